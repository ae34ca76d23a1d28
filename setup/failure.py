"""The only exception that ends set-up early: it has the cause and the remedy."""


class SetupFailed(Exception):
    """The cause of the failure, and what the person at the terminal can do."""

    def __init__(self, message: str, what_to_do: str) -> None:
        super().__init__(f"{message}\n{what_to_do}")
