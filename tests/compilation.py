"""What tests compile once in a process: SQL statements and page templates.

A portal compiles them once in its life. Each test has a portal of its own, so that most of its
time would pass with compiling the same again. The compiled results are those of the product.
"""

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.util import LRUCache

from webapp.app import create_app
from webapp.bootstrap import Services

_statements: LRUCache[object, object] = LRUCache(4_000)


class _Shared:
    """A dialect whose engines share compiled statements: it is a part of their key."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    def __hash__(self) -> int:
        return hash(type(self))

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        engine.update_execution_options(compiled_cache=_statements)


class SharedSQLite(_Shared, SQLiteDialect_pysqlite):
    """SQLite as the product uses it."""

    supports_statement_cache = True


class SharedPostgreSQL(_Shared, PGDialect_psycopg):
    """PostgreSQL as the product uses it."""

    supports_statement_cache = True


def share_statements() -> None:
    """Let all engines that this process makes from now on share compiled statements."""
    registry.register("sqlite", __name__, SharedSQLite.__name__)
    registry.register("postgresql.psycopg", __name__, SharedPostgreSQL.__name__)


class _Pages(BytecodeCache):
    """The byte code of templates, by name and content."""

    def __init__(self) -> None:
        self._compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if code := self._compiled.get(bucket.key + bucket.checksum):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._compiled[bucket.key + bucket.checksum] = bucket.bytecode_to_string()


_pages = _Pages()


def make_app(services: Services) -> Flask:
    """The product's application, which compiles no template that another one has compiled."""
    app = create_app(services)
    app.jinja_env.bytecode_cache = _pages
    return app
