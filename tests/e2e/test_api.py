"""The API server on its own: what `kubectl apply` takes, what it refuses, and whether the refusal helps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.office import (
    Document,
    Office,
    Sandbox,
    a_flow,
    a_request,
    a_server,
    a_system,
    a_tenant,
    a_zone,
    an_approval,
    an_office,
)
from tests.unit.cli_stage import a_plan

ROOT = Path(__file__).parents[2]
APP = {"name": "app", "prefixLength": 28}
PLAN = "permit-portal-0123456789"


@pytest.fixture(scope="module")
def office(sandbox: Sandbox) -> Iterator[Office]:
    with an_office(sandbox) as opened:
        yield opened


def a_named(document: Document, name: str) -> Document:
    return document | {"metadata": {"name": name}}


def on_networks(*networks: Any) -> Document:
    return a_request(networks=list(networks))


def with_server(**changed: Any) -> Document:
    return a_request(servers=[a_server(**changed)])


def with_flow(**changed: Any) -> Document:
    return a_request(flows=[a_flow(**changed)])


def with_source(**source: Any) -> Document:
    return with_flow(**{"from": source})


def with_volumes(*volumes: Any) -> Document:
    return with_server(volumes=list(volumes))


def with_desktops(**changed: Any) -> Document:
    batch = {"name": "counter", "count": 10, "flavor": "d1.small", "image": "desktop-12", "network": "app", **changed}
    return a_request(desktops=[batch])


VALID = {
    "the standard request": a_request(),
    "one server and no flow": a_request(servers=[a_server()], flows=None),
    "a network without servers": a_request(servers=None, flows=None),
    "64 servers in all": a_request(servers=[a_server(name=f"s{n}", count=16) for n in range(4)], flows=None),
    "a flow from anywhere": with_source(cidr="0.0.0.0/0"),
    "a flow from servers of this request": with_source(servers="web"),
    "a flow from servers of another request": with_source(request="permit-db", servers="db"),
    "the highest port, and a range of one": with_flow(ports=["tcp/65535", "udp/5000-5000"]),
    "a range of ports of different lengths": with_flow(ports=["tcp/999-10000"]),
    "a test environment with a lifetime": a_request(environment="Test", timeToLive="8h"),
    "volumes": with_volumes({"name": "records", "sizeGiB": 200}, {"name": "scratch", "sizeGiB": 1}),
    "desktops": with_desktops(users=["li.na", "wang.fang"]),
    "a name of 40 letters": a_named(a_request(), "a" * 40),
    "a system that is not registered yet": a_system(),
    "a registered system": a_system(filingNumber="MZ-2026-0017"),
}

# What is wrong -> (the object, words the refusal must contain: where, and what to write instead).
INVALID: dict[str, tuple[Document, tuple[str, ...]]] = {
    "no system": (a_request(system=None), ("spec.system: Required value",)),
    "no zone": (a_request(zone=None), ("spec.zone: Required value",)),
    "networks left out": (a_request(networks=None), ("spec.networks: Required value",)),
    "no network": (on_networks(), ("spec.networks", "at least 1 items")),
    "too many networks": (
        on_networks(APP, *({"name": f"n{n}", "prefixLength": 28} for n in range(8))),
        ("spec.networks: Too many: 9: must have at most 8 items",),
    ),
    "a network of 65,000 addresses": (
        on_networks(APP | {"prefixLength": 16}),
        ("spec.networks[0].prefixLength", "greater than or equal to 20"),
    ),
    "a network without room": (
        on_networks(APP | {"prefixLength": 30}),
        ("spec.networks[0].prefixLength", "less than or equal to 29"),
    ),
    "a size that is text": (
        on_networks(APP | {"prefixLength": "28"}),
        ("spec.networks[0].prefixLength", 'must be of type integer: "string"'),
    ),
    "two networks of one name": (on_networks(APP, APP), ('spec.networks[1]: Duplicate value: {"name":"app"}',)),
    "two server entries of one name": (
        a_request(servers=[a_server(), a_server()]),
        ('spec.servers[1]: Duplicate value: {"name":"web"}',),
    ),
    "a field that does not exist": (a_request(vms=2), ('unknown field "spec.vms"',)),
    "a misspelt field of a server": (with_server(flavour="c1.small"), ('unknown field "spec.servers[0].flavour"',)),
    "an unknown environment": (
        a_request(environment="Staging"),
        ('spec.environment: Unsupported value: "Staging"', '"Production", "Test"'),
    ),
    "an unknown drift policy": (a_request(driftPolicy="Ignore"), ("spec.driftPolicy", '"Report", "Correct"')),
    "no servers in an entry": (with_server(count=0), ("spec.servers[0].count", "greater than or equal to 1")),
    "too many servers in an entry": (with_server(count=21), ("spec.servers[0].count", "less than or equal to 20")),
    "too many servers in all": (
        a_request(servers=[a_server(name=f"s{n}", count=17) for n in range(4)], flows=None),
        ("spec.servers", "at most 64 servers in all, not 68"),
    ),
    "no flavor": (with_server(flavor=None), ("spec.servers[0].flavor: Required value",)),
    "an image with a space": (with_server(image="debian 12"), ("spec.servers[0].image", "debian 12")),
    "a server name in capitals": (with_server(name="Web"), ("spec.servers[0].name", "should match")),
    "a server name that is too long": (
        with_server(name="w" * 19),
        ("spec.servers[0].name: Too long: may not be more than 18",),
    ),
    "a server on a network that is not there": (
        with_server(network="dmz"),
        ('spec.servers: Invalid value: `network` must name an entry of `networks`, not ["dmz"]',),
    ),
    "desktops on a network that is not there": (
        with_desktops(network="hall"),
        ("spec.desktops", '`network` must name an entry of `networks`, not ["hall"]'),
    ),
    "too many desktops": (with_desktops(count=201), ("spec.desktops[0].count", "less than or equal to 200")),
    "one person for two desktops of a batch": (
        with_desktops(users=["li.na", "li.na"]),
        ('spec.desktops[0].users[1]: Duplicate value: "li.na"',),
    ),
    "a public address of maybe": (
        with_server(publicAddress="maybe"),
        ("spec.servers[0].publicAddress", "must be of type boolean"),
    ),
    "a boot volume of nothing": (with_server(bootVolumeGiB=0), ("spec.servers[0].bootVolumeGiB", "equal to 1")),
    "a data volume of nothing": (
        with_volumes({"name": "records", "sizeGiB": 0}),
        ("spec.servers[0].volumes[0].sizeGiB", "greater than or equal to 1"),
    ),
    "two volumes of one name": (
        with_volumes({"name": "records", "sizeGiB": 1}, {"name": "records", "sizeGiB": 2}),
        ('spec.servers[0].volumes[1]: Duplicate value: {"name":"records"}',),
    ),
    "an unknown fate of a volume": (
        with_volumes({"name": "records", "sizeGiB": 1, "onDelete": "Keep"}),
        ("spec.servers[0].volumes[0].onDelete", '"Retain", "Delete"'),
    ),
    "a flow to servers that are not there": (
        a_request(flows=[a_flow(to="wbe"), a_flow(), a_flow(to="db")]),
        ("spec.flows", '`to` must name an entry of `servers`, not ["wbe", "db"]'),
    ),
    "a flow from servers that are not there": (
        with_source(servers="db"),
        ("spec.flows", '`from.servers` must name an entry of `servers`, not ["db"]'),
    ),
    "a flow from two places": (
        with_source(cidr="172.20.0.0/16", servers="web"),
        ("spec.flows[0].from", "exactly one of these"),
    ),
    "a flow from nowhere": (with_source(), ("spec.flows[0].from", "`request` and `servers`")),
    "a flow from a whole request": (with_source(request="permit-db"), ("spec.flows[0].from", "exactly one of these")),
    "a flow from a prefix and a request": (
        with_source(request="permit-db", cidr="172.20.0.0/16"),
        ("spec.flows[0].from", "exactly one of these"),
    ),
    "a prefix that names a host": (
        with_source(cidr="172.20.0.7/16"),
        ('spec.flows[0].from.cidr: Invalid value: "172.20.0.7/16"', "no host part"),
    ),
    "a prefix that is none": (
        with_source(cidr="10.300.0.0/16"),
        ('spec.flows[0].from.cidr: Invalid value: "10.300.0.0/16"', "such as 10.20.0.0/16"),
    ),
    "a prefix of IPv6": (with_source(cidr="fd00::/8"), ("spec.flows[0].from.cidr", "should match")),
    "no ports": (with_flow(ports=[]), ("spec.flows[0].ports", "at least 1 items")),
    "a port without a protocol": (with_flow(ports=["443"]), ("spec.flows[0].ports[0]", "(tcp|udp)/")),
    "a port that is a number": (with_flow(ports=[443]), ("spec.flows[0].ports[0]", "must be of type string")),
    "a port beyond the last": (
        with_flow(ports=["tcp/443", "tcp/70000"]),
        ('spec.flows[0].ports[1]: Invalid value: "tcp/70000": ports end at 65535',),
    ),
    "a range from high to low": (
        with_flow(ports=["udp/5010-5000"]),
        ('spec.flows[0].ports[0]: Invalid value: "udp/5010-5000": a range starts with its lower port',),
    ),
    "a port twice": (with_flow(ports=["tcp/443", "tcp/443"]), ('spec.flows[0].ports[1]: Duplicate value: "tcp/443"',)),
    "a flow without a purpose": (with_flow(purpose=None), ("spec.flows[0].purpose: Required value",)),
    "a flow with an empty purpose": (with_flow(purpose=""), ("spec.flows[0].purpose", "at least 1 chars")),
    "a lifetime in production": (
        a_request(timeToLive="8h"),
        ("spec.timeToLive", "`timeToLive` is for `environment: Test` only"),
    ),
    "a lifetime in words": (
        a_request(environment="Test", timeToLive="soon"),
        ('spec.timeToLive: Invalid value: "soon"', "should match"),
    ),
    "a request name that is too long": (
        a_named(a_request(), "a" * 41),
        ("metadata.name: Too long: may not be more than 40",),
    ),
    "a request name with a dot": (a_named(a_request(), "permit.portal"), ("metadata.name", "should match")),
    "nobody as the requester": (a_request(requestedBy=""), ("spec.requestedBy", "at least 1 chars")),
    "a system of protection level 6": (
        a_system(protectionLevel=6),
        ("spec.protectionLevel", "less than or equal to 5"),
    ),
    "a system of unknown classification": (
        a_system(classification="Secret"),
        ("spec.classification", '"Classified", "NonClassified"'),
    ),
    "a system nobody answers for": (a_system(owner=None), ("spec.owner: Required value",)),
    "a system without a title": (a_system(title=""), ("spec.title", "at least 1 chars")),
    "a filing number with a space": (a_system(filingNumber="MZ 17"), ('spec.filingNumber: Invalid value: "MZ 17"',)),
    "an unknown migration decision": (a_system(migration="Later"), ("spec.migration", '"AdaptThenMigrate"')),
    "a zone of unknown class": (a_zone(**{"class": "Public"}), ("spec.class", '"Extranet", "Private", "Internet"')),
    "a zone without prefixes": (a_zone(prefixes=[]), ("spec.prefixes", "at least 1 items")),
    "a reserved prefix outside the zone": (
        a_zone(reservedPrefixes=["198.51.100.0/24"]),
        ("spec.reservedPrefixes", "must lie in one of `prefixes`"),
    ),
    "a zone prefix that names a host": (a_zone(prefixes=["192.0.2.1/24"]), ("spec.prefixes[0]", "no host part")),
    "an image listed twice": (
        a_zone(images=[{"name": "debian-12"}, {"name": "debian-12"}]),
        ('spec.images[1]: Duplicate value: {"name":"debian-12"}',),
    ),
    "two quotas for one zone": (
        a_tenant(quotas=[{"zone": "extranet"}, {"zone": "extranet"}]),
        ('spec.quotas[1]: Duplicate value: {"zone":"extranet"}',),
    ),
    "a budget below zero": (a_tenant(monthlyBudgetYuan=-1), ("spec.monthlyBudgetYuan", "equal to 0")),
    "a tenant without a quota": (a_tenant(quotas=[]), ("spec.quotas", "at least 1 items")),
    "an approval of a request, not of a plan": (an_approval("permit-portal"), ("spec.plan", "should match")),
    "an approval that is undecided": (
        an_approval(PLAN, decision="Maybe"),
        ("spec.decision", '"Approved", "Denied"'),
    ),
    "an approval without a stage": (an_approval(PLAN, stage=None), ("spec.stage: Required value",)),
    "a denial without a reason": (
        an_approval(PLAN, decision="Denied"),
        ("spec.reason", "a denial must state a `reason`"),
    ),
    "a denial with a blank reason": (
        an_approval(PLAN, decision="Denied", reason="  "),
        ("spec.reason", "a denial must state a `reason`"),
    ),
    "a plan of another name": (
        a_named(a_plan(), "permit-portal-0000000000"),
        ("a Plan is named <request>-<first ten of its digest>",),
    ),
}
WRITERS = {
    "Zone": "admin",
    "Tenant": "admin",
    "InformationSystem": "clerk",
    "ResourceRequest": "clerk",
    "Plan": "operator",
    "Approval": "officer",
}


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


@pytest.mark.parametrize("path", sorted((ROOT / "docs/examples").glob("*.yaml")), ids=lambda path: path.stem)
def test_examples_in_the_documentation_are_taken(office: Office, path: Path) -> None:
    """Whoever copies an example has an object the API server takes."""
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["metadata"].pop("namespace", None)
    if document["kind"] == "Approval":
        pytest.skip("an approval is about a plan that exists: see test_admission")
    answer = office.tries(WRITERS[document["kind"]], "apply", document=document)

    assert answer.allowed, answer.text


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
    """READY, REASON, ZONE, SYSTEM and AGE; with -o wide also which plan, and the message."""
    office.does("clerk", "apply", document=a_request("listed"))
    condition = {"type": "Ready", "status": "False", "reason": "AwaitingApproval", "message": "awaits: resource-office"}
    moment = "2026-11-12T08:00:00Z"
    office.observes("ResourceRequest", "listed", {"conditions": [condition | {"lastTransitionTime": moment}]})
    narrow, wide = office.does("clerk", "get", "rr"), office.does("auditor", "get", "rr", "-o", "wide")

    assert ["NAME", "READY", "REASON", "ZONE", "SYSTEM", "AGE"] == narrow.splitlines()[0].split()
    assert ["listed", "False", "AwaitingApproval", "extranet", "permit-portal"] == narrow.splitlines()[1].split()[:5]
    assert ["PLAN", "APPROVED-PLAN", "STEP", "MESSAGE"] == wide.splitlines()[0].split()[6:]


def test_kinds_are_found_by_category_short_name_and_field(office: Office) -> None:
    """`kubectl get kunlun` shows everything of the department; requests can be selected by zone and system."""
    office.does("clerk", "apply", document=a_request("found"))

    assert "resourcerequest.kunlun.cloud/found" in office.does("admin", "get", "kunlun", "-o", "name")
    for selector, expected in (("spec.zone=extranet", True), ("spec.zone=private", False)):
        listed = office.does("clerk", "get", "rr", "-o", "name", f"--field-selector={selector}")
        assert expected == ("/found" in listed)
    for short in ("kz", "tn", "isys", "rr", "pl", "appr"):
        office.does("admin", "get", short)
