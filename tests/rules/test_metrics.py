"""Documents, dashboard and alerts use only existing metrics, and all of them."""

import json
import re

import pytest
import yaml

from tests.rules.files import ROOT
from webapp.domain.statistics.metrics import METRICS, Kind, Metric

#: A metric in a query, with the content of its braces.
USED = re.compile(r"\b(winux_\w+)\b(?:\{([^}]*)\})?")
DASHBOARD = json.loads((ROOT / "deploy/grafana/winux.json").read_text())
RULES = yaml.safe_load((ROOT / "deploy/prometheus/winux.rules.yml").read_text())
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]


#: Each place with a query for Prometheus.
QUERIES = [
    *((panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]),
    *((alert["alert"], alert["expr"]) for alert in ALERTS),
]


def metric_of(series: str) -> Metric | None:
    """Return the metric of a name in a query."""
    metric = METRICS.get(series)
    if metric is not None:
        return None if metric.kind is Kind.HISTOGRAM else metric
    metric = METRICS.get(re.sub(r"_(bucket|sum|count)$", "", series))
    return metric if metric and metric.kind is Kind.HISTOGRAM else None


@pytest.mark.parametrize(("where", "query"), QUERIES)
def test_queries_use_metrics_and_labels_that_exist(where: str, query: str) -> None:
    used = USED.findall(query)
    assert used or "up{" in query, where
    for series, braces in used:
        metric = metric_of(series)
        assert metric is not None, f"{where}: there is no {series}"
        labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", braces))
        assert labels <= {*metric.labels, "le"}, f"{where}: {series} has no such label"
        if metric.kind is Kind.COUNTER:
            assert re.search(rf"(rate|increase)\({series}\b", query), (
                f"{where}: {series} only grows"
            )


@pytest.mark.parametrize(("where", "query"), QUERIES)
def test_queries_group_by_labels_that_exist(where: str, query: str) -> None:
    metrics = [metric_of(series) for series, _ in USED.findall(query)]
    known = {label for metric in metrics if metric for label in metric.labels} | {"le", ""}
    asked = {
        label.strip()
        for group in re.findall(r"\b(?:by|on) ?\(([^)]*)\)", query)
        for label in group.split(",")
    }
    assert asked <= known, where


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_is_documented_and_on_the_dashboard(name: str) -> None:
    metric = METRICS[name]
    text = (ROOT / "docs/admin/metrics.md").read_text()
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    assert text.count(f"| `{name}` | {metric.kind} | {labels} | {metric.help} |") == 1
    assert any(
        metric_of(series) is metric for _, query in QUERIES for series, _ in USED.findall(query)
    )


def test_no_metric_is_documented_that_does_not_exist() -> None:
    text = (ROOT / "docs/admin/metrics.md").read_text()
    assert set(re.findall(r"^\| `(winux_\w+)`", text, re.MULTILINE)) == set(METRICS)


def test_metrics_keep_to_prometheus_customs() -> None:
    for name, metric in METRICS.items():
        assert name.endswith("_total") == (metric.kind is Kind.COUNTER), name
        assert bool(metric.buckets) == (metric.kind is Kind.HISTOGRAM), name
        assert list(metric.buckets) == sorted(set(metric.buckets)), name
        assert metric.help.endswith("."), name
        assert name.removesuffix("_total") == name or name.removesuffix("_total") not in METRICS


def test_every_alert_says_what_is_wrong_and_what_to_do() -> None:
    assert len({alert["alert"] for alert in ALERTS}) == len(ALERTS) > 0
    for alert in ALERTS:
        assert {"summary", "cure"} <= set(alert["annotations"]), alert["alert"]
        assert alert["labels"]["severity"] in {"warning", "critical"}
        for document in re.findall(r"docs/[\w/.-]+\.md", alert["annotations"]["cure"]):
            assert (ROOT / document).is_file(), document


def test_the_dashboard_can_be_imported() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    assert DASHBOARD["uid"] == "winux"
    assert DASHBOARD["schemaVersion"] >= 36
    places = [(one["gridPos"]["x"], one["gridPos"]["y"]) for one in DASHBOARD["panels"]]
    assert len(set(places)) == len(places), "two panels lie on each other"
    variables = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    told = json.dumps(DASHBOARD["panels"])
    assert set(re.findall(r"\$\{?([a-z]\w+)", told)) == variables
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in PANELS)
