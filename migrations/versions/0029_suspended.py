"""one word each: people are suspended and restored, differences are named for what is seen"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"

#: Former and new actions of the audit log.
ACTIONS = {
    "person.disable": "person.suspend",
    "person.enable": "person.restore",
    "desktop.asleep": "desktop.found_shut_down",
    "desktop.awake": "desktop.found_started",
}
#: Former and new kinds of difference.
KINDS = {"asleep": "shut_down", "awake": "started", "held": "reserved"}

_ACTION = sa.text("UPDATE audit_entries SET action = :new WHERE action = :old")
_REASON = sa.text(
    "UPDATE audit_entries SET reason = 'suspended' WHERE action = 'key.use' AND reason = 'disabled'"
)
_KIND = sa.text("UPDATE findings SET kind = :new WHERE kind = :old")
#: Labels are a JSON list of strings.
_TALLY = sa.text("UPDATE tallies SET labels = REPLACE(labels, :old, :new) WHERE metric = :metric")


def upgrade() -> None:
    op.execute("ALTER TABLE people RENAME COLUMN disabled_at TO suspended_at")
    op.execute(_REASON)
    for old, new in ACTIONS.items():
        op.execute(_ACTION.bindparams(old=old, new=new))
        _rename_tallies("winux_refusals_total", old, new)
    _rename_tallies("winux_refusals_total", "disabled", "suspended")
    for old, new in KINDS.items():
        op.execute(_KIND.bindparams(old=old, new=new))
        _rename_tallies("winux_findings_total", old, new)


def _rename_tallies(metric: str, old: str, new: str) -> None:
    op.execute(_TALLY.bindparams(metric=metric, old=f'"{old}"', new=f'"{new}"'))
