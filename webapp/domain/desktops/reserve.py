"""What is kept of the last addresses, VM ids and places for people who have no desktop yet."""

from webapp.domain.errors import Refused


def decide_share(held: int, free: int, size: int, percent: int) -> None:
    """Refuse a person who holds `held` desktops one of the last of `size` things, of which `free`
    are free: the last `percent` are for those who hold none."""
    kept = -(-size * percent // 100)
    if held and 0 < free <= kept:
        raise Refused(
            "reserved",
            f"The last {kept} places of this site are kept for people who have no desktop.",
            what_to_do="Stop one of your desktops first, or try again when others have ended.",
        )
