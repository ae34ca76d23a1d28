"""The last addresses, VM ids and places are reserved for people without a desktop."""

from webapp.domain.errors import Refused


def decide_share(held: int, free: int, size: int, percent: int) -> None:
    """Refuses one of the last free things to a person who already holds a desktop.

    `held` is the number of desktops that the person holds, `free` of `size` things are free, and
    the last `percent` of `size` are reserved for people who hold none.
    """
    kept = -(-size * percent // 100)
    if held and 0 < free <= kept:
        raise Refused("reserved", places=kept)
