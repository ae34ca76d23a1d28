"""Locks in SQL that a transaction holds until its end."""

from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

#: Lock numbers, one for each kind of check-and-write.
SIGN_IN_ATTEMPTS = 7101


class turn_of(GenericFunction[int]):  # noqa: N801 (an SQL function)
    """Waits for the lock of this number. SQLite needs none: one transaction writes at a time."""

    type = BigInteger()
    inherit_cache = True


@compiles(turn_of, "sqlite")
def _on_sqlite(element: turn_of, compiler: SQLCompiler, **options: Any) -> str:
    (number,) = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({number})"


@compiles(turn_of, "postgresql")
def _on_postgresql(element: turn_of, compiler: SQLCompiler, **options: Any) -> str:
    (number,) = (compiler.process(clause, **options) for clause in element.clauses)
    # `pg_advisory_xact_lock` returns void, so its row is only counted
    lock = f"pg_advisory_xact_lock(CAST({number} AS BIGINT))"
    return f"(SELECT count(*) FROM {lock})"  # noqa: S608 (a bound parameter)
