"""The metrics of Winux for Prometheus, for callers with the token."""

from collections.abc import Iterable
from typing import cast

from flask import Blueprint, Response, abort, request
from flask.typing import ResponseReturnValue
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric as PrometheusMetric
from prometheus_client.registry import Collector

from webapp.domain.errors import OutsideFailed
from webapp.domain.statistics.metrics import Family, Kind
from webapp.http.access import anyone
from webapp.http.context import services
from webapp.http.monitor import shows_token

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
@anyone
def show() -> ResponseReturnValue:
    """Return all metrics as text; 404 if no token is configured, 401 without the token."""
    if not services().config.metrics_token:
        abort(404)
    if not shows_token():
        return Response("A bearer token is needed.\n", 401, {"WWW-Authenticate": "Bearer"})
    try:
        families = services().metrics.collect()
    except OutsideFailed as failure:
        return Response(f"{failure}\n", 503, content_type="text/plain; charset=utf-8")
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collected(families))
    return Response(encode(registry), content_type=content_type)


class _Collected(Collector):
    """Passes the metrics just read to the library, without metrics of the process."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def collect(self) -> Iterable[PrometheusMetric]:
        return [_told(family) for family in self._families]


def _told(family: Family) -> PrometheusMetric:
    metric = family.metric
    about = (metric.name, metric.help)
    if metric.kind is Kind.HISTOGRAM:
        histogram = HistogramMetricFamily(*about, labels=metric.labels)
        for one in family.distributions:
            histogram.add_metric(one.labels, one.cumulated(metric.buckets), one.total)
        return cast(PrometheusMetric, histogram)
    kind = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
    told = kind(*about, labels=metric.labels)
    for sample in family.samples:
        told.add_metric(sample.labels, sample.value)
    return cast(PrometheusMetric, told)
