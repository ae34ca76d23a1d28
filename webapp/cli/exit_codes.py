"""Exit statuses, the same for the local and the remote form. docs/admin/cli.md has the table."""

from webapp.domain.errors import NotFound, OutsideFailed, WinuxError

DONE, REFUSED, USAGE, UNREACHABLE, NOT_FOUND, NOT_ALLOWED = range(6)
INTERRUPTED = 130


def exit_of(error: WinuxError) -> int:
    """Returns the exit status for an error of a service."""
    if isinstance(error, NotFound):
        return NOT_FOUND
    return UNREACHABLE if isinstance(error, OutsideFailed) else REFUSED


def exit_of_status(status: int) -> int:
    """Returns the exit status for an HTTP error status."""
    if status >= 500:
        return UNREACHABLE
    return {401: NOT_ALLOWED, 403: NOT_ALLOWED, 404: NOT_FOUND}.get(status, REFUSED)
