"""The exception of an attack that finds a broken promise."""


class Broken(AssertionError):
    """The promise does not hold; the text has the observation."""
