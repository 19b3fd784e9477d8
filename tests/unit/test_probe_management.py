"""The probe and the management network: in by SSH where there are roles, and nobody by any other way."""

from __future__ import annotations

import pytest

from controllers.probe.declared import Pair, declared_by
from controllers.probe.matrix import Cast, pairs
from controllers.probe.planned import is_planned
from controllers.probe.stations import (
    Station,
    operator_stations,
    outside_stations,
    own_stations,
    router_stations,
    ways_in,
)
from controllers.probe.verdict import Measured, measured
from infra.sandbox.guests.packets import Sight
from tests.unit.probe_case import a_case, bodies_of, configured, own

WATCHED = {"ns-first-web-0": "", "ns-first-db-0": "", "ns-management": ""}
MANAGED = a_case(first=configured("first", 1))
(OPERATOR,) = operator_stations(bodies_of(MANAGED))
(FIRST_ROUTER,) = router_stations(MANAGED, bodies_of(MANAGED))


@pytest.mark.parametrize(
    ("source", "target", "service", "allowed"),
    [
        (OPERATOR, own("first/web-0", MANAGED), "tcp/22", True),
        (OPERATOR, own("first/db-0", MANAGED), "tcp/22", False),
        (OPERATOR, own("first/web-0", MANAGED), "tcp/443", False),
        (OPERATOR, own("other/web-0", MANAGED), "tcp/22", False),
        (OPERATOR, own("public/web-0", MANAGED), "tcp/22", False),
        (own("first/web-0", MANAGED), OPERATOR, "tcp/22", False),
        (own("first/db-0", MANAGED), FIRST_ROUTER, "tcp/22", False),
        (own("other/web-0", MANAGED), FIRST_ROUTER, "tcp/9696", False),
    ],
)
def test_the_management_network_is_a_way_in_for_the_operator_only(
    source: Station, target: Station, service: str, allowed: bool
) -> None:
    """SSH, to servers with roles, and nobody comes back that way."""
    pair = Pair(source, target, "tcp", int(service.partition("/")[2]))

    assert (allowed, allowed) == (bool(declared_by(pair, MANAGED)), is_planned(pair, MANAGED))


def test_the_operator_tries_everybody_of_the_zone_by_some_router() -> None:
    """Its own, where it has a place in the management network, else another's; nobody in a zone without."""
    servers = own_stations(MANAGED, bodies_of(MANAGED))
    by_first = ["10.10.1.4", "10.10.1.5", "10.10.2.4", "10.10.2.5"]

    assert dict.fromkeys(by_first, "198.19.0.1") == ways_in(MANAGED, servers, "extranet")
    assert {} == ways_in(MANAGED, servers, "internet")


def test_a_router_calls_nobody_and_only_servers_try_it() -> None:
    """What it forwards is tried by those who send; for itself it has nothing to say."""
    cast = Cast(own_stations(MANAGED, bodies_of(MANAGED)), [OPERATOR], routers=[FIRST_ROUTER])
    ends = {(pair.source.name, pair.target.name) for pair in pairs(cast, MANAGED)}

    assert ("other/db-0", FIRST_ROUTER.name) in ends
    assert FIRST_ROUTER.name not in {source for source, _ in ends}
    assert (OPERATOR.name, FIRST_ROUTER.name) not in ends


def test_nobody_beyond_an_uplink_speaks_from_the_management_network() -> None:
    """A rule for the operator names a prefix; it is no prefix of a flow."""
    addresses = {each.address for each in outside_stations(MANAGED, bodies_of(MANAGED))}

    assert "10.10.200.1" in addresses
    assert not {"198.19.0.1", "198.19.64.1"} & addresses


def test_a_packet_in_the_management_network_has_strayed_or_arrived() -> None:
    """Whatever is seen there is seen: what was for the operator, and what was for somebody else."""
    seen = frozenset({("ns-management", "198.19.0.1")})
    source = own("first/web-0", MANAGED)

    assert Measured.ARRIVED is measured(Pair(source, OPERATOR, "tcp", 22), Sight("", seen), WATCHED)
    assert Measured.OPEN is measured(Pair(source, FIRST_ROUTER, "tcp", 22), Sight("refused"), WATCHED)
    other = Pair(source, own("first/db-0", MANAGED), "tcp", 22)
    assert Measured.STRAYED is measured(other, Sight("", seen), WATCHED)
