"""Time functions in SQL with the same results on SQLite and PostgreSQL."""

from typing import Any

from sqlalchemy import Float, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction


class seconds_between(GenericFunction[float]):  # noqa: N801 (an SQL function)
    """Seconds from the first time to the second. On SQLite the error is about 20 microseconds."""

    type = Float()
    inherit_cache = True


class hour_of(GenericFunction[str]):  # noqa: N801 (an SQL function)
    """The hour (UTC) of a time, such as `2026-03-02T09`."""

    type = String()
    inherit_cache = True


@compiles(seconds_between, "sqlite")
def _seconds_on_sqlite(element: seconds_between, compiler: SQLCompiler, **options: Any) -> str:
    began, ended = (compiler.process(clause, **options) for clause in element.clauses)
    return f"((julianday({ended}) - julianday({began})) * 86400.0)"


@compiles(seconds_between, "postgresql")
def _seconds_on_postgresql(element: seconds_between, compiler: SQLCompiler, **options: Any) -> str:
    began, ended = (compiler.process(clause, **options) for clause in element.clauses)
    return f"CAST(EXTRACT(EPOCH FROM ({ended} - {began})) AS DOUBLE PRECISION)"


@compiles(hour_of, "sqlite")
def _hour_on_sqlite(element: hour_of, compiler: SQLCompiler, **options: Any) -> str:
    (at,) = (compiler.process(clause, **options) for clause in element.clauses)
    return f"strftime('%Y-%m-%dT%H', {at})"


@compiles(hour_of, "postgresql")
def _hour_on_postgresql(element: hour_of, compiler: SQLCompiler, **options: Any) -> str:
    (at,) = (compiler.process(clause, **options) for clause in element.clauses)
    return f"to_char({at} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24')"
