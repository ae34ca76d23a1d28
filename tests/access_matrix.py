"""The access matrix of the API: one line for each operation, one column for each caller.

`read` and `launch` are keys of alice, who owns the session; `cookie` is her browser; `other` is
bob's key with launch; `staff` oscar's, an operator's, with launch; `operator` the same with admin;
`auditor` audrey's with admin; `admin` root's with the scope admin, `demoted` the same of a former
admin, `fallen` that of a former auditor, `personal` root's with launch alone; the next three are
alice's keys and dora's, which had launch; `none` sends no key.
"""

COLUMNS = (
    "read launch cookie other staff operator auditor admin demoted fallen personal "
    "revoked expired suspended none"
).split()


def expected(matrix: str) -> dict[str, dict[str, int]]:
    """Return, by the name of each line, the HTTP status that each column gets."""
    return {
        name: dict(zip(COLUMNS, map(int, statuses), strict=True))
        for name, *statuses in map(str.split, matrix.strip().splitlines())
    }
