"""The catalogue of permitted flows: what a zone lets in, from where, and whom that needs."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.api.zone import ZoneSpec
from policies.evaluate import evaluate
from policies.flows import Ground, NamedStage, crossings, named_stages, openings
from tests.build import a_case, a_flow, a_spec, a_zone, permitted, shipped_zones

FROM_DB = {"from": {"request": "permit-db", "servers": "db"}}
OPEN = permitted(cidr="10.0.0.0/8")
FROM_INTERNET = permitted("tcp/8000-8999", zone="internet", stage="security")


def zones(*entries: dict[str, Any]) -> dict[str, ZoneSpec]:
    """The extranet with this catalogue, and an internet zone."""
    internet = a_zone(
        **{"class": "Internet"},
        prefixes=["10.30.0.0/16"],
        reservedPrefixes=[],
        flows=[permitted("tcp/443", cidr="0.0.0.0/0")],
    )
    return {"extranet": a_zone(flows=list(entries)), "internet": internet}


def refusals(*flows: dict[str, Any], entries: list[dict[str, Any]], zone: str = "extranet") -> list[str]:
    """What the two rules about flows find, word for word."""
    case = a_case(a_spec(flows=list(flows), zone=zone), zones=zones(*entries), neighbours={"permit-db": "internet"})
    kept = ("flows-are-in-the-catalogue", "prefixes-stay-out-of-other-zones")
    return [str(finding) for finding in evaluate(case) if finding.rule in kept]


@pytest.mark.parametrize(
    ("flow", "entries"),
    [
        pytest.param(a_flow(), [OPEN], id="a prefix inside one of the catalogue"),
        pytest.param(a_flow(), [permitted(zone="extranet")], id="a prefix of the zone itself"),
        pytest.param(a_flow(**{"from": {"servers": "web"}}), [permitted(zone="extranet")], id="the request's servers"),
        pytest.param(a_flow(ports=["tcp/8443"], **FROM_DB), [FROM_INTERNET], id="another request, in another zone"),
        pytest.param(a_flow(ports=["udp/500-600"]), [permitted("udp/500-600", cidr="10.10.0.0/16")], id="a range"),
    ],
)
def test_what_the_catalogue_names_may_be_opened(flow: dict[str, Any], entries: list[dict[str, Any]]) -> None:
    """A flow fits when its source and each of its ports lie within one entry."""
    assert [] == refusals(flow, entries=entries)


@pytest.mark.parametrize(
    ("flow", "entries", "said"),
    [
        pytest.param(
            a_flow(ports=["tcp/443", "tcp/22"]),
            [permitted("tcp/443", cidr="10.0.0.0/8")],
            "spec.flows[0].ports[1]: zone 'extranet' permits no tcp/22 from 10.10.8.0/24; "
            "allowed: tcp/443 from 10.0.0.0/8",
            id="another port",
        ),
        pytest.param(
            a_flow(ports=["udp/443"]),
            [permitted("tcp/443", cidr="10.0.0.0/8")],
            "spec.flows[0].ports[0]: zone 'extranet' permits no udp/443 from 10.10.8.0/24; "
            "allowed: tcp/443 from 10.0.0.0/8",
            id="another protocol",
        ),
        pytest.param(
            a_flow(ports=["tcp/440-450"]),
            [permitted("tcp/440-445", "tcp/446-450", cidr="10.0.0.0/8")],
            "spec.flows[0].ports[0]: zone 'extranet' permits no tcp/440-450 from 10.10.8.0/24; "
            "allowed: tcp/440-445, tcp/446-450 from 10.0.0.0/8",
            id="a range over two",
        ),
        pytest.param(
            a_flow(**{"from": {"cidr": "172.16.0.0/16"}}),
            [permitted("tcp/443", cidr="172.16.0.0/24"), FROM_INTERNET],
            "spec.flows[0].from: zone 'extranet' permits no tcp/443 from 172.16.0.0/16; "
            "allowed: tcp/443 from 172.16.0.0/24; tcp/8000-8999 from zone 'internet'",
            id="a wider prefix",
        ),
        pytest.param(
            a_flow(**{"from": {"servers": "web"}}),
            [OPEN],
            "spec.flows[0].from: zone 'extranet' permits no tcp/443 from servers 'web'; "
            "allowed: tcp/1-65535, udp/1-65535 from 10.0.0.0/8",
            id="servers where only prefixes are named",
        ),
        pytest.param(
            a_flow(**FROM_DB),
            [FROM_INTERNET],
            "spec.flows[0].ports[0]: zone 'extranet' permits no tcp/443 from servers 'db' of request 'permit-db'; "
            "allowed: tcp/8000-8999 from zone 'internet'",
            id="another request on another port",
        ),
        pytest.param(
            a_flow(), [], "spec.flows[0].from: zone 'extranet' permits no tcp/443 from 10.10.8.0/24; allowed: none",
            id="no catalogue",
        ),
        pytest.param(
            a_flow(**{"from": {"cidr": "10.30.7.0/24"}}),
            [permitted(cidr="0.0.0.0/0"), permitted(zone="internet")],
            "spec.flows[0].from.cidr: 10.30.7.0/24 reaches into zone 'internet'; "
            "name the request and its servers instead of a prefix",
            id="a prefix of another zone, whatever the catalogue says",
        ),
    ],
)  # fmt: skip
def test_what_it_does_not_name_is_refused(flow: dict[str, Any], entries: list[dict[str, Any]], said: str) -> None:
    """One finding for each port, at its place, with what is allowed."""
    assert [said] == refusals(flow, entries=entries)


def test_everybody_may_reach_the_internet_zone_on_its_ports_only() -> None:
    """There the whole internet is no other zone; anywhere else it would be all of them."""
    everybody = {"from": {"cidr": "0.0.0.0/0"}}

    assert [] == refusals(a_flow(**everybody), entries=[], zone="internet")
    assert ["spec.flows[0].ports[0]"] == [
        said.partition(":")[0] for said in refusals(a_flow(ports=["tcp/22"], **everybody), entries=[], zone="internet")
    ]
    assert ["spec.flows[0].from.cidr"] == [
        said.partition(":")[0] for said in refusals(a_flow(**everybody), entries=[permitted(cidr="0.0.0.0/0")])
    ]


def test_the_first_entry_that_fits_names_the_stage() -> None:
    """Once each, with the purpose of the entry: a narrow entry before a wide one asks for less, or for more."""
    entries = [permitted("tcp/443", cidr="10.0.0.0/8"), permitted(cidr="10.0.0.0/8", stage="security"), FROM_INTERNET]
    ground = Ground("extranet", zones(*entries), {"permit-db": "internet"})
    usual, special = (
        a_spec(),
        a_spec(flows=[a_flow(ports=["tcp/443", "tcp/22"]), a_flow(ports=["tcp/8443"], **FROM_DB)]),
    )

    assert () == named_stages(usual, ground)
    assert (NamedStage("security", "offices: 10.0.0.0/8 into zone 'extranet'"),) == named_stages(special, ground)


def test_a_crossing_is_told_once_for_each_pair_of_zones() -> None:
    """In the words of an officer; what stays in the zone, or comes from no zone, crosses nothing."""
    flows = [a_flow(), a_flow(**{"from": {"servers": "web"}}), a_flow(**FROM_DB), a_flow(ports=["tcp/80"], **FROM_DB)]
    ground = Ground("extranet", zones(), {"permit-db": "internet"})

    assert ("internet → extranet",) == crossings(a_spec(flows=flows), ground)
    assert () == crossings(a_spec(flows=flows[:2]), ground)


def test_a_flow_from_an_unknown_request_comes_from_nowhere() -> None:
    """It is for another rule to say that there is no such request."""
    ground = Ground("extranet", zones(OPEN))

    assert [] == list(openings(a_spec(flows=[a_flow(**FROM_DB)]), ground))


def test_the_shipped_zones_let_nothing_from_the_internet_into_the_private_network() -> None:
    """Across zones only inwards by one step, and only with the security officer."""
    shipped = shipped_zones()
    across = {
        (entry.from_.zone, name): entry.stage
        for name, zone in shipped.items()
        for entry in zone.flows
        if entry.from_.zone not in (None, name)
    }

    assert {("internet", "extranet"): "security", ("extranet", "private"): "security"} == across
    assert {"0.0.0.0/0": ("tcp/80", "tcp/443")} == {
        entry.from_.cidr: entry.ports for entry in shipped["internet"].flows if entry.from_.cidr
    }
