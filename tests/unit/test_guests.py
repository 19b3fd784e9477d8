"""Guests of the sandbox: what a look at the cloud means, and what is done about it."""

from __future__ import annotations

from typing import Any

import pytest

from infra.sandbox.guests.facts import Guest, Listing, Route, Wire, World, is_settled, world_of
from infra.sandbox.guests.passes import Deed, Present, steps

WIRE = Wire(port="p-1", mac="fa:16:3e:00:00:01", mtu=1442, addresses=("10.10.1.4/28",), gateway="10.10.1.1")
GUEST = Guest(server="s-1", name="web-0", image="i-1", launched="then", wires=(WIRE,))
HERE = Present(GUEST, wired=True, running=True)

NETWORK: dict[str, Any] = {"id": "n-1", "mtu": 1442}
UPLINK: dict[str, Any] = {
    "id": "u-1",
    "mtu": 1500,
    "router:external": True,
    "provider:physical_network": "extranet",
}
SUBNET: dict[str, Any] = {
    "id": "sn-1",
    "network_id": "n-1",
    "cidr": "10.10.1.0/28",
    "gateway_ip": "10.10.1.1",
    "host_routes": [],
}
UPLINK_SUBNET: dict[str, Any] = {**SUBNET, "id": "sn-u", "network_id": "u-1", "cidr": "10.10.0.0/24"}
UPLINK_SUBNET["gateway_ip"] = "10.10.0.1"
TRANSIT_SUBNET: dict[str, Any] = {**SUBNET, "id": "sn-t", "cidr": "100.64.0.0/29", "gateway_ip": None}


def a_port(**fields: Any) -> dict[str, Any]:
    return {
        "id": "p-1",
        "mac_address": WIRE.mac,
        "network_id": "n-1",
        "device_id": "s-1",
        "device_owner": "compute:nova",
        "fixed_ips": [{"subnet_id": "sn-1", "ip_address": "10.10.1.4"}],
        "created_at": "2026-01-01",
        **fields,
    }


def a_server(**fields: Any) -> dict[str, Any]:
    found = {"id": "s-1", "name": "web-0", "status": "ACTIVE", "image": {"id": "i-1"}}
    return {**found, "OS-SRV-USG:launched_at": "then", **fields}


def a_leg(subnet: str, address: str) -> dict[str, Any]:
    fixed = [{"subnet_id": subnet, "ip_address": address}]
    return a_port(id=subnet, device_id="r-1", device_owner="network:router_interface", fixed_ips=fixed)


def a_router(**fields: Any) -> dict[str, Any]:
    gateway = {"network_id": "u-1", "enable_snat": False, "external_fixed_ips": [{"ip_address": "10.10.0.7"}]}
    return {"id": "r-1", "external_gateway_info": {**gateway, **fields}}


def a_listing(**collections: Any) -> Listing:
    found: dict[str, Any] = {
        "servers": [a_server()],
        "ports": [a_port()],
        "networks": [NETWORK, UPLINK],
        "subnets": [SUBNET, UPLINK_SUBNET, TRANSIT_SUBNET],
        **collections,
    }
    return Listing(**found)


def a_world(guest: Guest | None = GUEST) -> World:
    guests = {guest.server: guest} if guest else {}
    return World(guests, frozenset({"s-1"}))


def test_a_running_server_is_a_guest_with_its_ports_as_neutron_has_them() -> None:
    """Address, prefix length, gateway, MTU and MAC are the port's and its subnet's."""
    assert {"s-1": GUEST} == world_of(a_listing()).guests


def test_the_first_port_made_is_the_first_interface() -> None:
    """A machine counts its cards in the order in which they came."""
    later = a_port(id="p-0", created_at="2026-02-01", fixed_ips=[])
    guest = world_of(a_listing(ports=[later, a_port()])).guests["s-1"]

    assert ["p-1", "p-0"] == [wire.port for wire in guest.wires]


@pytest.mark.parametrize("status", ["SHUTOFF", "BUILD", "ERROR", "SUSPENDED", "REBUILD", "RESIZE"])
def test_a_server_that_is_switched_off_has_no_body(status: str) -> None:
    """It exists, so its disk stays; but nothing of it runs."""
    world = world_of(a_listing(servers=[a_server(status=status)]))

    assert ({}, frozenset({"s-1"})) == (world.guests, world.servers)


def test_an_outside_host_knows_the_way_to_prefixes_that_nobody_hides() -> None:
    """Behind the router's address on the uplink lie the subnets of which it is the gateway, a transit does not."""
    legs = [a_leg("sn-1", "10.10.1.1"), a_leg("sn-t", "100.64.0.2")]
    host = world_of(a_listing(ports=legs, routers=[a_router()])).outside["extranet"]

    assert (("10.10.0.1/24",), "br-extranet") == (host.addresses, host.bridge)
    assert (Route(destination="10.10.1.0/28", via="10.10.0.7"),) == host.routes


def test_a_router_with_source_nat_is_its_prefixes_only_address() -> None:
    """What is translated has no way in."""
    listing = a_listing(ports=[a_leg("sn-1", "10.10.1.1")], routers=[a_router(enable_snat=True)])

    assert () == world_of(listing).outside["extranet"].routes


@pytest.mark.parametrize(
    ("collections", "settled"),
    [
        pytest.param({}, True, id="everything there"),
        pytest.param({"networks": []}, False, id="not even an uplink"),
        pytest.param({"ports": []}, False, id="servers without any port"),
        pytest.param({"ports": [], "servers": []}, True, id="an empty cloud"),
    ],
)
def test_a_list_that_cannot_be_is_not_believed(collections: dict[str, Any], settled: bool) -> None:
    """Services that have just started answer as if nothing existed; nobody's wires are pulled for that."""
    assert settled == is_settled(a_listing(**collections))


@pytest.mark.parametrize(
    ("world", "present", "deeds"),
    [
        pytest.param(a_world(), {"s-1": HERE}, [], id="as it should be"),
        pytest.param(a_world(), {}, [Deed.WIRE, Deed.START], id="new"),
        pytest.param(a_world(None), {"s-1": HERE}, [Deed.UNPLUG], id="switched off"),
        pytest.param(a_world(None), {"s-1": Present(None, wired=False, running=False)}, [], id="was off before"),
        pytest.param(World(), {"s-1": HERE}, [Deed.FORGET], id="gone"),
        pytest.param(a_world(), {"s-1": Present(GUEST, wired=False, running=True)}, [Deed.WIRE], id="wire pulled"),
        pytest.param(a_world(), {"s-1": Present(GUEST, wired=True, running=False)}, [Deed.START], id="died"),
        pytest.param(
            a_world(), {"s-1": Present(None, wired=True, running=True)}, [Deed.WIRE, Deed.START], id="half plugged"
        ),
        pytest.param(a_world(GUEST.model_copy(update={"name": "w"})), {"s-1": HERE}, [Deed.RENAME], id="renamed"),
        pytest.param(a_world(GUEST.model_copy(update={"launched": "now"})), {"s-1": HERE}, [Deed.START], id="rebuilt"),
        pytest.param(a_world(GUEST.model_copy(update={"wires": ()})), {"s-1": HERE}, [Deed.WIRE], id="port taken"),
    ],
)
def test_only_what_differs_is_done(world: World, present: dict[str, Present], deeds: list[Deed]) -> None:
    """Whatever happened in between, what is here is compared with what should be here."""
    assert deeds == [step.deed for step in steps(world, present)]


def test_removals_come_before_additions() -> None:
    """An address may have moved from a server that is gone to a new one."""
    gone = Present(GUEST.model_copy(update={"server": "s-0"}), wired=True, running=True)

    assert [Deed.FORGET, Deed.WIRE, Deed.START] == [step.deed for step in steps(a_world(), {"s-0": gone})]
