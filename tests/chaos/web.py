"""The WSGI application of the chaos test: the product's, with a clock that jumps."""

import os
from pathlib import Path

from argon2 import PasswordHasher

from tests.chaos.clock import ShiftedClock
from webapp.adapters import schema
from webapp.adapters.logs import log_as_json
from webapp.adapters.secrets import ArgonHasher
from webapp.app import create_app
from webapp.bootstrap import build_services
from webapp.config import load

log_as_json()
services = build_services(
    load(os.environ),
    clock=ShiftedClock(Path(os.environ["CHAOS_CLOCK"])),
    hasher=ArgonHasher(PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)),
)
schema.check(services.db)
app = create_app(services)
services.db.close()
