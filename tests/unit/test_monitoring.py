"""Alerts, dashboard, probes and their page: every figure they name is one that is exported, with these labels."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from click.testing import CliRunner

from controllers.api.conditions import Reason
from controllers.api.cutoversteps import Step
from controllers.api.stored import CUTOVERS
from controllers.cli import root
from controllers.figures import registry_of
from controllers.health import UNANSWERED_SECONDS
from controllers.hearing import DEAD_SECONDS
from controllers.probes import ALIVE, METRICS, READY
from infra.measures import CloudMeasures
from tests.build import a_spec
from tests.unit.cutover_case import OPENS, Case
from tests.unit.test_cli_cutover import document, wire
from tests.unit.test_cutover_figures import standing
from tests.unit.test_figures import Scrape, leading
from tests.unit.test_reasons import DOCS, anchors
from tests.unit.world import World

KUBERNETES = Path(__file__).parents[2] / "infra" / "kubernetes"
ALERTS = yaml.safe_load((KUBERNETES / "monitoring" / "alerts.yaml").read_text(encoding="utf-8"))
RULES: list[dict[str, Any]] = [rule for group in ALERTS["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((KUBERNETES / "monitoring" / "dashboard.json").read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
SCRAPED = {"instance"}  # what Prometheus adds itself


@pytest.fixture(scope="module")
def exported() -> Mapping[str, frozenset[str]]:
    """Names of series and their labels, of an operator that has done everything once."""
    return asyncio.run(_exported())


async def _exported() -> Mapping[str, frozenset[str]]:
    world = World()
    await world.built()
    world.ask(a_spec(), name="waiting")
    await world.turn("waiting")
    measures = world.parts.measures
    measures.passes.passed("Zone", "Settled", 0.1)
    measures.cluster.count("GET", "/apis/kunlun.cloud/v1alpha1/zones", "200")
    _call_once(measures.cloud)
    with measures.engine.run("up"):
        pass
    measures.cutovers.ended(Step.WATCH, None, 60.0)
    for number, case in enumerate((Case().tried(), Case().ready_to_cut().did(Step.FREEZE_SOURCE))):
        world.parts.cache.keep(CUTOVERS, shown(case, number))
    world.today = OPENS
    vitals = await leading(world)
    assert vitals.operator is not None
    vitals.operator.watches.hearing.expect()
    queue = vitals.operator.queue
    queue.add(("Zone", "", "extranet"))
    queue.add_after(("Zone", "", "internet"), 60)
    scrape = Scrape(registry_of(vitals))
    await queue.stop()
    return scrape.labels() | {"kunlun_passes_running": frozenset({"kind"})}


def shown(case: Case, number: int) -> dict[str, Any]:
    """A cutover as the operator has left it."""
    one = standing(case)
    body = document(CUTOVERS, one.meta, one.spec) | {"status": wire(one.status)}
    return {**body, "metadata": {**body["metadata"], "name": f"moves-{number}", "resourceVersion": "1"}}


def _call_once(measures: CloudMeasures) -> None:
    with measures.call("network", "GET", "ports") as answer:
        answer.append("200")


def expressions() -> Iterator[tuple[str, str]]:
    """(where, PromQL)."""
    yield from ((rule["alert"], rule["expr"]) for rule in RULES)
    yield from ((panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"])


@pytest.mark.parametrize(("where", "text"), list(expressions()))
def test_every_query_is_one_that_prometheus_understands_of_what_is_exported(
    where: str, text: str, exported: Mapping[str, frozenset[str]]
) -> None:
    """Parsed as PromQL; each series exists, and has every label that is matched or kept."""
    series: list[Any] = []
    kept: set[str] = set()

    def visit(expr: Any) -> bool:
        if isinstance(expr, promql_parser.VectorSelector):
            series.append(expr)
        if isinstance(expr, promql_parser.AggregateExpr) and expr.modifier is not None:
            kept.update(expr.modifier.labels)
        return True

    promql_parser.walk(promql_parser.parse(text), visit)
    found = {one.name: {matcher.name for matcher in one.matchers.matchers} for one in series}

    assert set() == found.keys() - exported.keys(), where
    assert {} == {name: wanted - exported[name] for name, wanted in found.items() if wanted - exported[name]}
    assert set() == kept - SCRAPED - set().union(*(exported[name] for name in found)), where


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_who_wakes_up_and_what_to_do(rule: dict[str, Any]) -> None:
    """A severity, a sentence, and a link to a cure that is there."""
    page, _, anchor = rule["annotations"]["runbook_url"].removeprefix("docs/").partition("#")

    assert (
        {"alert", "expr", "labels", "annotations"} <= rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
    )
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert {"summary", "description", "runbook_url"} == rule["annotations"].keys()
    assert (DOCS / page).exists() and anchor in anchors(page)


def test_every_reason_an_alert_names_exists() -> None:
    """A reason that was renamed would make an alert silent."""
    known = {reason.value for reason in Reason} | {"Succeeded", "Stopped", "Settled", "Again", "Done"}
    named = re.findall(r'(?:reason|result)[=!]~?"([\w|]+)"', "\n".join(text for _, text in expressions()))

    assert set() == {word for words in named for word in words.split("|")} - known


def test_the_limits_of_the_alerts_are_the_operators_own() -> None:
    """A watch is dead for the probe and for the alert at the same moment."""
    silent = next(rule for rule in RULES if rule["alert"] == "KunlunWatchSilent")

    assert silent["expr"].endswith(f"> {DEAD_SECONDS:.0f}")
    assert UNANSWERED_SECONDS < DEAD_SECONDS


def test_the_page_lists_every_figure_and_no_other(exported: Mapping[str, frozenset[str]]) -> None:
    """What is not written down is not there for who looks for it at night."""
    page = (DOCS / "monitoring.md").read_text(encoding="utf-8")
    table = "\n".join(line for line in page.splitlines() if line.startswith("| `kunlun_"))
    listed = set(re.findall(r"`(kunlun_\w+)`", table))
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exported if name.startswith("kunlun_")}

    assert families == listed


def test_the_dashboard_can_be_imported() -> None:
    """Panels have ids of their own and the data source that is chosen; none hides another."""
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]

    assert len(ids) == len(set(ids)) and len(places) == len(set(places))
    assert {"${datasource}"} == {panel["datasource"]["uid"] for panel in PANELS}
    assert "datasource" in {variable["name"] for variable in DASHBOARD["templating"]["list"]}


def test_the_deployment_asks_where_the_operator_answers() -> None:
    """Probes, annotations, port and policy are those of the code; its options are options of `kunlun run`."""
    folder = KUBERNETES / "deployment"
    deployment = yaml.safe_load((folder / "deployment.yaml").read_text(encoding="utf-8"))
    policy = yaml.safe_load((folder / "networkpolicy.yaml").read_text(encoding="utf-8"))
    template = deployment["spec"]["template"]
    container = template["spec"]["containers"][0]
    annotations = {key.partition("/")[2]: text for key, text in template["metadata"]["annotations"].items()}
    port = container["ports"][0]["containerPort"]
    options = {text.partition("=")[0] for text in container["args"][1:]}

    assert {"scrape": "true", "port": str(port), "path": METRICS} == annotations
    assert ALIVE == container["livenessProbe"]["httpGet"]["path"]
    assert READY == container["readinessProbe"]["httpGet"]["path"]
    assert f"--metrics-address=0.0.0.0:{port}" in container["args"]
    assert [{"protocol": "TCP", "port": port}] == policy["spec"]["ingress"][0]["ports"]
    assert policy["spec"]["podSelector"]["matchLabels"] == template["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == template["metadata"]["labels"]
    assert options <= set(CliRunner().invoke(root, ["run", "--help"]).output.split())
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    assert {path.name for path in folder.iterdir()} - {"kustomization.yaml"} == set(kustomization["resources"])
