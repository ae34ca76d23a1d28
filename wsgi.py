"""What gunicorn loads: `gunicorn wsgi:app`. Wrong settings or a foreign schema stop the start."""

import os
import sys

from webapp.adapters import schema
from webapp.adapters.logs import log_as_json
from webapp.app import create_app
from webapp.bootstrap import build_services
from webapp.config import load_with_file
from webapp.domain.errors import WinuxError
from webapp.settings.reader import BadConfig

os.umask(0o077)  # whatever is written, the database first, is for its owner alone
log_as_json()
try:
    services = build_services(load_with_file(os.environ))
    schema.check(services.db)
except (BadConfig, WinuxError) as error:
    sys.exit(f"winux web: {error}")
app = create_app(services)
# Workers are forked after this; each opens its own connections to the database.
services.db.close()
