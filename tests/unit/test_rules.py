"""Rules and form: each has a request that keeps it and one that breaks it, with where, what and what is allowed."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.request.validate import validate
from policies.evaluate import evaluate
from policies.rules import Circumstances
from tests.build import (
    a_case,
    a_content,
    a_desktop,
    a_flow,
    a_network,
    a_server,
    a_spec,
    a_system,
    a_tenant,
    a_zone,
    shipped_zones,
)


def test_an_ordinary_request_breaks_no_rule() -> None:
    """The builders describe something allowed: every failure below is due to what it varies."""
    assert [] == validate(a_spec())
    assert [] == evaluate(a_case())


@pytest.mark.parametrize(
    ("case", "where", "what"),
    [
        pytest.param(a_case(system=None), "spec.system", "no InformationSystem 'permit-portal'", id="unknown system"),
        pytest.param(
            a_case(system=a_system(filingNumber=None)),
            "spec.system",
            "not registered: it has no filing number",
            id="unfiled system",
        ),
        pytest.param(
            a_case(system=a_system(classification="Classified")), "spec.system", "is classified", id="classified system"
        ),
        pytest.param(
            a_case(a_spec(zone="moon")),
            "spec.zone",
            "unknown zone 'moon'; allowed: extranet, private",
            id="unknown zone",
        ),
        pytest.param(a_case(tenant=None), "metadata.namespace", "belongs to no Tenant", id="namespace of nobody"),
        pytest.param(
            a_case(a_spec(zone="private", flows=[])),
            "spec.zone",
            "no quota in zone 'private'; allowed: extranet",
            id="zone without quota",
        ),
        pytest.param(
            a_case(a_spec(servers=[a_server(image="windows-95")])),
            "spec.servers[0].image",
            "no image 'windows-95' in zone 'extranet'; allowed: debian-12, ubuntu-24.04",
            id="unknown image",
        ),
        pytest.param(
            a_case(a_spec(servers=[a_server(flavor="c9.huge")])),
            "spec.servers[0].flavor",
            "allowed: c1.large, c1.small",
            id="unknown flavor",
        ),
        pytest.param(
            a_case(a_spec(servers=[a_server(image="ubuntu-24.04")])),
            "spec.servers[0]",
            "needs a disk of 30 GiB, not 20",
            id="disk too small",
        ),
        pytest.param(
            a_case(a_spec(servers=[a_server(count=11)])),
            "spec",
            "needs 11 servers; the department's quota in zone 'extranet' is 10",
            id="more servers than the quota can ever give",
        ),
        pytest.param(
            a_case(tenant=a_tenant(monthlyBudgetYuan=179)),
            "spec",
            "costs 180 yuan a month; the department's budget is 179",
            id="more than the budget can ever bear",
        ),
        pytest.param(
            a_case(a_spec(flows=[a_flow(**{"from": {"cidr": "10.20.3.0/24"}})])),
            "spec.flows[0].from.cidr",
            "reaches into zone 'private'",
            id="flow from another zone",
        ),
        pytest.param(
            a_case(a_spec(flows=[a_flow(**{"from": {"cidr": "0.0.0.0/0"}})])),
            "spec.flows[0].from.cidr",
            "reaches into zone",
            id="flow from everywhere",
        ),
        pytest.param(
            a_case(a_spec(flows=[a_flow(**{"from": {"request": "db", "servers": "db"}})])),
            "spec.flows[0].from.request",
            "no other request 'db' in namespace",
            id="flow from an unknown request",
        ),
        pytest.param(
            a_case(
                a_spec(flows=[a_flow(**{"from": {"request": "db", "servers": "sql"}})]),
                neighbours={"db": "extranet"},
                entries={"db": frozenset({"db"})},
            ),
            "spec.flows[0].from.servers",
            "request 'db' has no servers 'sql'; allowed: db",
            id="flow from unknown servers of another request",
        ),
        pytest.param(
            a_case(a_spec(servers=[a_server(publicAddress=True)]), zones=shipped_zones()),
            "spec.servers[0].publicAddress",
            "zone 'extranet' has no public addresses; ask in one of class Internet: internet",
            id="public address",
        ),
        pytest.param(
            a_case(a_spec(desktops=[a_desktop()]), zones={"extranet": a_zone(management=None)}),
            "spec.desktops",
            "zone 'extranet' has no management network",
            id="desktops in a zone that has no way to them",
        ),
        pytest.param(
            a_case(a_spec(servers=[a_server(bootVolumeGiB=20)]), volumes_available=False),
            "spec.servers[0].bootVolumeGiB",
            "no block storage service",
            id="volumes without block storage",
        ),
    ],
)
def test_a_broken_rule_says_where_and_what(case: Circumstances, where: str, what: str) -> None:
    """One finding, at the place to change, with what is allowed."""
    found = [(finding.where, finding.what) for finding in evaluate(case)]

    assert [where] == [place for place, _ in found]
    assert what in found[0][1]


@pytest.mark.parametrize(
    ("fields", "where", "what"),
    [
        pytest.param(
            {"networks": [a_network(), a_network()]}, "spec.networks", "'app' is used 2 times", id="network twice"
        ),
        pytest.param(
            {"servers": [a_server(), a_server()]}, "spec.servers", "'web' is used 2 times", id="servers twice"
        ),
        pytest.param(
            {"servers": [a_server(network="lan")]},
            "spec.servers[0].network",
            "no network 'lan' in this request; allowed: app",
            id="unknown network",
        ),
        pytest.param(
            {"networks": [a_network(prefixLength=29)], "servers": [a_server(count=4)]},
            "spec.networks[0].prefixLength",
            "room for 3 servers, not 4",
            id="network too small",
        ),
        pytest.param(
            {
                "networks": [a_network(prefixLength=24)],
                "servers": [a_server(name=f"s{i}", count=20) for i in range(4)],
                "flows": [],
            },
            "spec.servers",
            "80 servers in one request; at most 64",
            id="too many servers",
        ),
        pytest.param(
            {"flows": [a_flow(to="db")]},
            "spec.flows[0].to",
            "no servers 'db'; allowed: web".replace("; allowed", " in this request; allowed"),
            id="flow to nobody",
        ),
        pytest.param(
            {"flows": [a_flow(**{"from": {}})]}, "spec.flows[0].from", "give either `cidr`", id="flow from nowhere"
        ),
        pytest.param(
            {"flows": [a_flow(**{"from": {"cidr": "10.10.8.0/24", "servers": "web"}})]},
            "spec.flows[0].from",
            "give either `cidr`",
            id="flow from two places",
        ),
        pytest.param(
            {"flows": [a_flow(**{"from": {"servers": "db"}})]},
            "spec.flows[0].from.servers",
            "no servers 'db'",
            id="flow from unknown servers",
        ),
        pytest.param(
            {"flows": [a_flow(**{"from": {"cidr": "10.10.8.1/24"}})]},
            "spec.flows[0].from.cidr",
            "has host bits set",
            id="prefix with host bits",
        ),
        pytest.param(
            {"flows": [a_flow(**{"from": {"cidr": "999.1.1.0/24"}})]},
            "spec.flows[0].from.cidr",
            "write a prefix such as",
            id="no address",
        ),
        pytest.param(
            {"flows": [a_flow(ports=["tcp/90-80"])]},
            "spec.flows[0].ports[0]",
            "'tcp/90-80' is no port",
            id="backward range",
        ),
        pytest.param(
            {"flows": [a_flow(ports=["tcp/70000"])]},
            "spec.flows[0].ports[0]",
            "between 1 and 65535",
            id="port too high",
        ),
        pytest.param(
            {
                "flows": [
                    a_flow(ports=[f"tcp/{port}" for port in range(base, base + 31)]) for base in range(100, 700, 100)
                ]
            },
            "spec.servers[0]",
            "its flows make 186 rules; at most 180",
            id="too many rules",
        ),
        pytest.param({"flows": [a_flow(), a_flow()]}, "spec.flows[1]", "listed twice", id="the same flow twice"),
    ],
)
def test_an_inconsistent_request_says_where_and_what(fields: dict[str, Any], where: str, what: str) -> None:
    """One finding, at the place to change, with what is allowed."""
    found = validate(a_spec(**fields))

    assert [where] == [finding.where for finding in found]
    assert what in found[0].what


def test_all_findings_are_reported_at_once() -> None:
    """Nobody has to apply five times to hear five things."""
    case = a_case(
        a_spec(
            servers=[a_server(image="no", flavor="no", roles=["no"])],
            flows=[a_flow(**{"from": {"cidr": "10.20.0.0/16"}})],
        ),
        system=None,
        tenant=None,
    )

    assert [
        "spec.system",
        "metadata.namespace",
        "spec.servers[0].image",
        "spec.servers[0].flavor",
        "spec.flows[0].from.cidr",
        "spec.servers[0].roles[0]",
    ] == [finding.where for finding in evaluate(case)]


def test_a_rule_is_named_in_what_it_finds() -> None:
    """The name of a rule is the sentence it enforces."""
    assert ["the-system-is-registered"] == [finding.rule for finding in evaluate(a_case(system=None))]


def test_a_built_volume_can_grow_and_not_shrink() -> None:
    """What has been built is part of what is consistent."""
    sized = {size: a_server(bootVolumeGiB=size, volumes=[{"name": "data", "sizeGiB": size}]) for size in (10, 20, 30)}
    built = a_content(a_spec(servers=[sized[20]])).stack

    assert [] == validate(a_spec(servers=[sized[30]]), in_force=built)
    assert ["spec.servers[0].bootVolumeGiB", "spec.servers[0].volumes[0].sizeGiB"] == [
        finding.where for finding in validate(a_spec(servers=[sized[10]]), in_force=built)
    ]
