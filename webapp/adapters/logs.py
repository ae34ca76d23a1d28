"""Logs for operators: one JSON object a line on standard error."""

import json
import logging
import re
import sys
from datetime import UTC, datetime

#: The keys of `extra=` that are logged.
FIELDS = (
    "desktop",
    "request",
    "person",
    "source",
    "method",
    "path",
    "status",
    "milliseconds",
)


#: Valid in JSON, but obeyed by terminals and editors: C1 controls, direction marks, separators.
UNPRINTABLE = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


class JsonLines(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "from": record.name,
            "text": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        text = json.dumps(line, ensure_ascii=False, default=str)
        return UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def log_as_json(level: int = logging.INFO) -> None:
    """Makes the root logger write only JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
