"""A small system as OpenStack lists it that nobody of ours has made, and the request that takes it over."""

from __future__ import annotations

from typing import Any

from controllers.api.resourcerequest import ResourceRequestSpec
from infra.provider.observe import ProjectListing
from infra.stackplan import Kind
from tests.build import a_network, a_server, a_spec

IMPORTS = {
    "router": "router-1",
    "network-app": "network-1",
    "group-web": "group-1",
    "port-web-0": "port-1",
    "server-web-0": "server-1",
}


def imports(**changed: str | None) -> list[dict[str, str]]:
    """The entries of the request; `server_web_0="x"` changes one, None leaves it out."""
    ids: dict[str, str | None] = {**IMPORTS, **{name.replace("_", "-"): value for name, value in changed.items()}}
    return [{"name": name, "id": value} for name, value in ids.items() if value is not None]


def importing(**fields: Any) -> ResourceRequestSpec:
    """One web server on a network of its own, both existing already."""
    body: dict[str, Any] = {"networks": [a_network()], "servers": [a_server(count=1)], "imports": imports()}
    return a_spec(**(body | fields))


def by_hand() -> dict[Kind, dict[str, Any]]:
    """The objects, to be changed by a test before it lists them."""
    gateway = {"subnet_id": "subnet-1", "ip_address": "10.10.7.1"}
    rule = {"direction": "ingress", "protocol": None, "port_range_min": None, "port_range_max": None}
    return {
        Kind.ROUTER: {
            "id": "router-1",
            "name": "legacy",
            "external_gateway_info": {"network_id": "uplink-1", "enable_snat": False},
        },
        Kind.NETWORK: {"id": "network-1", "name": "legacy", "subnets": ["subnet-1"]},
        Kind.SUBNET: {
            "id": "subnet-1",
            "name": "legacy",
            "network_id": "network-1",
            "subnetpool_id": "pool-1",
            "cidr": "10.10.7.0/28",
            "gateway_ip": "10.10.7.1",
            "allocation_pools": [{"start": "10.10.7.2", "end": "10.10.7.14"}],
        },
        Kind.SECURITY_GROUP: {
            "id": "group-1",
            "name": "legacy",
            "security_group_rules": [{**rule, "remote_ip_prefix": "0.0.0.0/0"}],
        },
        Kind.PORT: {
            "id": "port-1",
            "name": "",
            "network_id": "network-1",
            "device_id": "server-1",
            "device_owner": "compute:nova",
            "fixed_ips": [{"subnet_id": "subnet-1", "ip_address": "10.10.7.9"}],
            "security_groups": ["group-1"],
        },
        Kind.ROUTER_INTERFACE: {
            "id": "port-0",
            "device_id": "router-1",
            "device_owner": "network:router_interface",
            "fixed_ips": [gateway],
        },
        Kind.SERVER: {
            "id": "server-1",
            "name": "archive",
            "status": "ACTIVE",
            "flavor": {"id": "id-c1.large"},
            "image": {"id": "id-debian-12"},
            "metadata": {},
        },
    }


def listing(objects: dict[Kind, dict[str, Any]], *more_ports: dict[str, Any]) -> ProjectListing:
    """As OpenStack lists them: a router's leg is a port."""
    found: dict[Kind, list[Any]] = {kind: [raw] for kind, raw in objects.items() if kind is not Kind.ROUTER_INTERFACE}
    ports = [raw for kind, raw in objects.items() if kind in {Kind.PORT, Kind.ROUTER_INTERFACE}]
    return ProjectListing({**found, Kind.PORT: [*ports, *more_ports]})
