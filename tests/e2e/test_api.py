"""The API server on its own: what `kubectl apply` takes, what it refuses, and whether the refusal helps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.e2e.invalid_objects import INVALID
from tests.e2e.office import Document, Office, Sandbox, a_flow, a_request, a_server, an_approval, an_office
from tests.e2e.valid_objects import VALID

ROOT = Path(__file__).parents[2]
EXAMPLES = {path.stem: path for path in sorted((ROOT / "docs/examples").glob("*.yaml"))}
OTHER_PLAN = "another-request-0123456789"
ABOUT_OTHERS = {"approval", "acceptance", "cutover-step", "trial-report"}
WRITERS = {
    "Zone": "admin",
    "Tenant": "admin",
    "InformationSystem": "clerk",
    "ResourceRequest": "clerk",
    "Plan": "operator",
    "Approval": "officer",
    "DesktopSession": "clerk",
    "Cutover": "clerk",
}


@pytest.fixture(scope="module")
def office(sandbox: Sandbox) -> Iterator[Office]:
    with an_office(sandbox) as opened:
        yield opened


@pytest.mark.parametrize("document", VALID.values(), ids=VALID.keys())
def test_a_valid_object_is_taken(office: Office, document: Document) -> None:
    """What the rules allow passes, at their very edges too."""
    answer = office.tries(WRITERS[document["kind"]], "create", document=document)

    assert answer.allowed, answer.text


@pytest.mark.parametrize(("document", "words"), INVALID.values(), ids=INVALID.keys())
def test_an_invalid_object_is_refused_with_place_and_reason(
    office: Office, document: Document, words: tuple[str, ...]
) -> None:
    """Whoever reads the refusal knows which field to change, and to what."""
    answer = office.tries(WRITERS[document["kind"]], "create", document=document)

    assert not answer.allowed
    assert [] == [expected for expected in words if expected not in answer.text], answer.text


def test_all_faults_of_form_are_reported_at_once(office: Office) -> None:
    """Nobody has to apply five times to hear of five faults."""
    faulty = a_request(
        timeToLive="8h",
        servers=[a_server(network="dmz")],
        flows=[a_flow(to="db", ports=["tcp/70000"], **{"from": {"cidr": "172.20.0.7/16"}})],
    )
    answer = office.tries("clerk", "create", document=faulty)

    places = ("spec.timeToLive", "spec.servers", "spec.flows", "spec.flows[0].ports[0]", "spec.flows[0].from.cidr")
    assert [] == [place for place in places if f"* {place}: " not in answer.text], answer.text


@pytest.mark.parametrize("name", sorted(EXAMPLES.keys() - ABOUT_OTHERS))
def test_examples_in_the_documentation_are_taken(office: Office, name: str) -> None:
    """Whoever copies an example has an object the API server takes; those about another object need that, see below."""
    document = example(name)
    verb = "apply" if "name" in document["metadata"] else "create"
    answer = office.tries(WRITERS[document["kind"]], verb, document=document)

    assert answer.allowed, answer.text


def test_the_approval_example_is_refused_only_until_its_plan_is_the_newest(sandbox: Sandbox) -> None:
    """The example decides on a plan of the example request: it waits for that plan and for nothing else."""
    approval = example("approval")
    with an_office(sandbox) as planning:
        planning.does("clerk", "apply", document=example("permit-portal"))
        planning.eventually("officer", "create", document=an_approval(OTHER_PLAN))  # now the policy knows the request
        early = planning.tries("officer", "create", document=approval)
        seen = {"plan": approval["spec"]["plan"], "requiredStages": [approval["spec"]["stage"]]}
        planning.observes("ResourceRequest", "permit-portal", seen)
        planning.eventually("officer", "create", document=approval)

    assert not early.allowed, early.text
    assert 'is not the newest plan of request "permit-portal", which has none yet' in early.text


def example(name: str) -> Document:
    """An example of the documentation, for whichever namespace it is tried in."""
    document: Document = yaml.safe_load(EXAMPLES[name].read_text(encoding="utf-8"))
    document["metadata"].pop("namespace", None)
    return document


@pytest.mark.parametrize("path", sorted((ROOT / "tests/golden/requests").glob("*.yaml")), ids=lambda path: path.stem)
def test_sample_requests_are_taken(office: Office, path: Path) -> None:
    """The samples that golden tests decide on are objects that can exist."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["metadata"].pop("namespace")
    answer = office.tries("clerk", "apply", document=document)

    assert answer.allowed, answer.text


def test_defaults_are_written_down(office: Office) -> None:
    """What is left out is visible in the stored object, not hidden in a program."""
    least = a_request(environment=None, flows=None, servers=[a_server()])
    template = "--output=jsonpath={.spec.environment} {.spec.driftPolicy} {.spec.servers[0].count} {.spec.flows}"
    answer = office.tries("clerk", "create", template, document=least)

    assert "Production Report 1 []" == answer.text


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("resourcerequest.spec.servers", "named `<name>-0`, `<name>-1` and so on"),
        ("resourcerequest.spec.flows.from", "or `servers` of another `request`"),
        ("rr.spec.networks.prefixLength", "28 gives 11 servers"),
        ("rr.status.buildingPlan", "without it nothing exists"),
        ("rr.spec.timeToLive", "A longer one extends it, as far as the zone permits"),
        ("isys.spec.filingNumber", "Absent until the office has assigned it"),
        ("zone.spec.class", "ENUM"),
        ("approval.spec.approver", "Stamped by the API server"),
        ("plan.spec", "its name ends with the first ten of the digest"),
    ],
)
def test_explain_teaches(office: Office, field: str, words: str) -> None:
    """`kubectl explain` answers what a field is for, so that nobody needs another page."""
    assert words in " ".join(office.does("clerk", "explain", field).split())


def test_a_list_of_requests_says_how_each_stands(office: Office) -> None:
    """READY, REASON, ZONE, SYSTEM and AGE; with -o wide also which plan, and the message.

    The office is no department's: the operator says so, and its words are what the columns show.
    """
    office.does("clerk", "apply", document=a_request("listed"))
    office.sees("PolicyViolated", "clerk", "get", "rr", "listed")
    narrow, wide = office.does("clerk", "get", "rr"), office.does("auditor", "get", "rr", "-o", "wide")

    assert ["NAME", "READY", "REASON", "ZONE", "SYSTEM", "AGE"] == narrow.splitlines()[0].split()
    assert ["listed", "False", "PolicyViolated", "extranet", "permit-portal"] == narrow.splitlines()[1].split()[:5]
    assert ["PLAN", "APPROVED-PLAN", "STEP", "EXPIRES", "MESSAGE"] == wide.splitlines()[0].split()[6:]
    assert "belongs to no Tenant" in wide


def test_kinds_are_found_by_category_short_name_and_field(office: Office) -> None:
    """`kubectl get kunlun` shows everything of the department; requests can be selected by zone and system."""
    office.does("clerk", "apply", document=a_request("found"))

    assert "resourcerequest.kunlun.cloud/found" in office.does("admin", "get", "kunlun", "-o", "name")
    for selector, expected in (("spec.zone=extranet", True), ("spec.zone=private", False)):
        listed = office.does("clerk", "get", "rr", "-o", "name", f"--field-selector={selector}")
        assert expected == ("/found" in listed)
    for short in ("kz", "tn", "isys", "rr", "pl", "appr"):
        office.does("admin", "get", short)
