"""The roles that a person can have; `domain/access.py` says what each of them may do."""

from enum import StrEnum


class Role(StrEnum):
    """What a person may do beyond their own desktops."""

    PERSON = "person"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    ADMIN = "admin"
