"""The one way set-up ends early: with a sentence about what is wrong and what to do."""


class SetupFailed(Exception):
    """What happened, and how the person at the terminal goes on from here."""

    def __init__(self, message: str, what_to_do: str) -> None:
        super().__init__(f"{message}\n{what_to_do}")
