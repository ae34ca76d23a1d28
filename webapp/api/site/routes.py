"""The routes of the site: templates, capacity, connections, pools, metrics and cleanup."""

from http import HTTPStatus

from flask import url_for

from webapp.api.framework.access import caller
from webapp.api.framework.answer import Answer
from webapp.api.framework.operation import Reply, operation
from webapp.api.framework.paging import decode_cursor, encode_cursor, next_link
from webapp.api.site import schema as told
from webapp.api.site.schema import CleanupId, ConnectionId, ConnectionQuery
from webapp.domain.access import Action
from webapp.http.context import services
from webapp.models import FindingRow
from webapp.services.connections.connections import ConnectionView
from webapp.services.desktops.gate import Gate
from webapp.services.desktops.views import Offer
from webapp.services.pool.plan import PoolView
from webapp.services.upkeep.cleanup import CleanupView


@operation(
    "GET",
    "/templates",
    tag="templates",
    action=Action.TEMPLATE_SEE,
    answers={200: Reply(told.TemplateList, "All that can be launched.")},
)
def list_templates() -> Answer:
    """List the templates that can be launched."""
    gates = services().capacity.gates()
    rows = [_template(offer, gates.get(offer.template.id)) for offer in services().reports.offers()]
    return Answer(told.TemplateList(templates=rows))


@operation(
    "GET",
    "/capacity",
    tag="templates",
    action=Action.TEMPLATE_SEE,
    answers={200: Reply(told.CapacityReport, "Of each template.")},
)
def get_capacity() -> Answer:
    """Get how many more desktops fit."""
    warm = {offer.template.id: offer.warm for offer in services().reports.offers()}
    rooms = [
        told.TemplateRoom(
            template=gate.template.name,
            fits=gate.fits,
            waiting=gate.room.ahead,
            next_free_at=gate.room.next_free_at,
            ready_at_once=warm.get(template_id, 0),
        )
        for template_id, gate in services().capacity.gates().items()
    ]
    return Answer(told.CapacityReport(templates=rooms))


@operation(
    "GET",
    "/connections",
    tag="connections",
    action=Action.CONNECTION_SEE,
    answers={200: Reply(told.ConnectionList, "A page of them.", {"Link": "The next page."})},
)
def list_connections(query: ConnectionQuery) -> Answer:
    """List connections, newest first.

    Your own, or with the scope admin those of all people, if your role allows it.
    """
    rows, last = services().connections.stretch(
        caller().actor,
        limit=query.limit,
        before=decode_cursor(query.cursor, tuple[int])[0] if query.cursor else None,
        desktop_id=query.session_sub or "",
        is_open=query.open,
    )
    cursor = encode_cursor(last) if last is not None else None
    page = told.ConnectionList(connections=[_connection(row) for row in rows], next_cursor=cursor)
    return Answer(page, headers=next_link(cursor))


@operation(
    "DELETE",
    "/connections/{connection}",
    tag="connections",
    action=Action.CONNECTION_CUT,
    answers={204: Reply(None, "It ends within a second, or was over.")},
    problems=("not-found",),
)
def cut_connection(connection: ConnectionId) -> Answer:
    """Cut a connection; the session stays.

    Your own, or with the scope admin anyone's, if your role allows it.
    """
    services().connections.cut(caller().actor, connection)
    return Answer(status=HTTPStatus.NO_CONTENT)


@operation(
    "GET",
    "/pool",
    tag="site",
    action=Action.POOL_SEE,
    answers={200: Reply(told.PoolList, "Of all templates.")},
)
def list_pools() -> Answer:
    """List the pools of desktops that are made ahead of need."""
    return Answer(told.PoolList(pools=[_pool(view) for view in services().pools.all()]))


@operation(
    "GET",
    "/metrics",
    tag="site",
    action=Action.STATISTICS_SEE,
    answers={200: Reply(told.Metrics, "The numbers of now, of today, and of 24 hours.")},
)
def get_metrics() -> Answer:
    """Get the numbers of the site."""
    now = services().reports.overview()
    hours = [
        told.Hour(at=one.at, from_pool=one.warm, built=one.cold, failed=one.failed)
        for one in services().trends.hours()
    ]
    return Answer(
        told.Metrics(
            sessions={state.value: count for state, count in sorted(now.by_state.items())},
            launches_today=now.launches_today,
            failures_today=now.failures_today,
            people=now.people,
            connections_open=services().connections.open_connections().total,
            hours=hours,
        )
    )


def replay_cleanup(reference: str) -> Answer:
    """Answer a repeated request: the cleanup of the first one."""
    return _cleanup(services().cleanups.one(reference))


@operation(
    "POST",
    "/cleanup",
    tag="site",
    action=Action.CLEANUP_ASK,
    answers={
        202: Reply(told.Cleanup, "A worker does it; follow Location.", {"Location": "What it did."})
    },
    again=replay_cleanup,
)
def ask_for_cleanup() -> Answer:
    """Clean up now: end what has expired, free what dead workers held, compare database and nodes.

    Workers do this regularly; a request does it at once and reports what was done. Unknown
    containers are not destroyed any sooner.
    """
    view = services().cleanups.ask(caller().actor)
    where = url_for("api.get_cleanup", cleanup=view.cleanup.public_id)
    answer = _cleanup(view)
    return Answer(
        answer.value, HTTPStatus.ACCEPTED, {"Location": where}, reference=view.cleanup.public_id
    )


@operation(
    "GET",
    "/cleanup/{cleanup}",
    tag="site",
    action=Action.CLEANUP_SEE,
    answers={200: Reply(told.Cleanup, "How far it is, and what it did.")},
    problems=("not-found",),
)
def get_cleanup(cleanup: CleanupId) -> Answer:
    """Get the result of a cleanup."""
    return _cleanup(services().cleanups.one(cleanup))


def _template(offer: Offer, gate: Gate | None) -> told.Template:
    one = offer.template
    return told.Template(
        name=one.name,
        title=one.title,
        summary=one.summary,
        version=one.version,
        desktop_environment=one.desktop_environment,
        memory_mb=one.memory_mb,
        cores=one.cores,
        disk_gb=one.disk_gb,
        default_minutes=one.default_minutes,
        max_minutes=one.max_minutes,
        max_per_person=one.max_per_person,
        ready_at_once=offer.warm,
        usual_seconds=int(offer.usual.total_seconds()) if offer.usual else None,
        rests_until=gate.rest.until if gate and gate.rest else None,
    )


def _connection(row: ConnectionView) -> told.Connection:
    return told.Connection(
        connection=row.public_id,
        target=row.target.id,
        target_kind=row.target.kind,
        session_sub=row.desktop_id,
        person=row.person,
        protocol=row.protocol,
        door=row.door,
        source_address=row.source_address,
        client=row.browser,
        started_at=row.started_at,
        ended_at=row.ended_at,
        end=row.end_reason,
        bytes_up=row.bytes_up,
        bytes_down=row.bytes_down,
        cpu_ms=row.cpu_ms,
        was_slowed=row.was_slowed,
        last_input_at=row.last_input_at,
    )


def _pool(view: PoolView) -> told.Pool:
    numbers = view.template.pool
    return told.Pool(
        template=view.template.name,
        warm=len(view.warm),
        making=len(view.making),
        wanted=view.size.desktops,
        why=view.size.why,
        minimum=numbers.minimum,
        target=numbers.target,
        maximum=numbers.maximum,
        follows_demand=numbers.follows_demand,
        schedules=len(view.schedules),
        resting_until=view.resting_until,
    )


def _cleanup(view: CleanupView) -> Answer:
    row = view.cleanup
    return Answer(
        told.Cleanup(
            cleanup=row.public_id,
            status=view.status,
            asked_at=row.asked_at,
            finished_at=row.finished_at,
            did=[
                told.CleanupAction(
                    at=one.at, action=one.action, subject=one.subject, detail=one.detail
                )
                for one in view.deeds
            ],
            trouble=row.trouble,
            differences=[_difference(one) for one in services().findings.now_open()],
        )
    )


def _difference(row: FindingRow) -> told.Difference:
    return told.Difference(
        kind=row.kind,
        vmid=row.vmid,
        node=row.node,
        session_sub=row.desktop_id,
        due_at=row.due_at,
        detail=row.detail,
    )
