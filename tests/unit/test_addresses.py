"""Addresses: exact, free, and the same for as long as the request keeps its names and sizes."""

from __future__ import annotations

from ipaddress import IPv4Network

import pytest

from controllers.request.addresses import allocate, servers_that_fit
from infra.errors import QuotaExceeded
from tests.build import a_content, a_network, a_server, a_spec, a_zone


def nets(*prefixes: str) -> list[IPv4Network]:
    return [IPv4Network(prefix) for prefix in prefixes]


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        pytest.param([], "10.10.1.0/28", id="the reserved prefix is skipped"),
        pytest.param(["10.10.1.0/28"], "10.10.1.16/28", id="the next free one after what is taken"),
        pytest.param(["10.10.1.16/28"], "10.10.1.0/28", id="a gap is used"),
        pytest.param(["10.10.1.0/30"], "10.10.1.16/28", id="prefixes start at their own boundary"),
        pytest.param(["10.10.1.0/24", "10.10.2.0/23"], "10.10.4.0/28", id="large neighbours are jumped over"),
        pytest.param(["192.168.0.0/16"], "10.10.1.0/28", id="what lies outside the zone does not matter"),
    ],
)
def test_a_network_gets_the_first_free_prefix(taken: list[str], expected: str) -> None:
    """Allocation is deterministic: the lowest free prefix of the wanted size."""
    found = allocate(a_spec(), zone=a_zone(), taken=nets(*taken), previous=None)

    assert IPv4Network(expected) == found.networks["app"]


def test_a_full_zone_is_said_to_be_full() -> None:
    """No room is not an empty answer but a reason."""
    with pytest.raises(QuotaExceeded, match="no free /28 left for network 'app'"):
        allocate(a_spec(), zone=a_zone(), taken=nets("10.10.0.0/16"), previous=None)


def test_several_networks_never_overlap() -> None:
    """Networks of one request are carved one after the other."""
    spec = a_spec(networks=[a_network(name=f"n{i}", prefixLength=29 - i) for i in range(5)], servers=[], flows=[])
    found = list(allocate(spec, zone=a_zone(), taken=[], previous=None).networks.values())

    assert [] == [(a, b) for i, a in enumerate(found) for b in found[i + 1 :] if a.overlaps(b)]


def test_growing_moves_no_server() -> None:
    """A server keeps its address when others come, also when they come before it in the list."""
    before = a_content().stack
    grown = a_spec(servers=[a_server(name="app"), a_server(count=3)], flows=[])
    found = allocate(grown, zone=a_zone(), taken=nets("10.10.1.0/28"), previous=before)

    assert {server.name: server.address for server in before.servers} == {
        name: str(found.servers[name]) for name in ("web-0", "web-1")
    }
    assert len(set(found.servers.values())) == len(found.servers)


def test_another_size_is_another_prefix() -> None:
    """A network whose size changes moves, and does not collide with what it was."""
    before = a_content().stack
    found = allocate(a_spec(networks=[a_network(prefixLength=27)]), zone=a_zone(), taken=[], previous=before)

    assert not found.networks["app"].overlaps(IPv4Network(before.networks[0].cidr))


@pytest.mark.parametrize(("length", "room"), [(29, 3), (28, 11), (26, 59)])
def test_room_counts_what_is_left_for_servers(length: int, room: int) -> None:
    """Network, broadcast, gateway and two of Neutron's own are not for servers."""
    assert room == servers_that_fit(length)
    spec = a_spec(networks=[a_network(prefixLength=length)], servers=[a_server(count=min(room, 20))])
    found = allocate(spec, zone=a_zone(), taken=[], previous=None)
    assert all(address in found.networks["app"] for address in found.servers.values())
