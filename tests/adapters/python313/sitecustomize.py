"""Verifies certificates as Python 3.13 does, which rejects an authority without keyUsage.

Makes `ssl.create_default_context` and urllib3, which checks the Python version, strict.
"""

import ssl
from typing import Any

import urllib3.connection
import urllib3.util
import urllib3.util.ssl_

STRICT = ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
_default, _of_urllib3 = ssl.create_default_context, urllib3.util.ssl_.create_urllib3_context


def create_default_context(*args: Any, **options: Any) -> ssl.SSLContext:
    context = _default(*args, **options)
    context.verify_flags |= STRICT
    return context


def create_urllib3_context(*args: Any, **options: Any) -> ssl.SSLContext:
    return _of_urllib3(*args, **{"verify_flags": STRICT, **options})


ssl.create_default_context = create_default_context
for module in (urllib3.connection, urllib3.util, urllib3.util.ssl_):
    module.create_urllib3_context = create_urllib3_context  # type: ignore[attr-defined]  # on purpose
