"""What an attack finds when a promise does not hold."""


class Broken(AssertionError):
    """The promise does not hold; the text says what was seen instead."""
