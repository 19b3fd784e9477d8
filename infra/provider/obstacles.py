"""What stands against taking over an existing object, kind by kind, in words for the requester. Pure.

These are the things no comparison of planned with live inputs tells well: a second subnet, a router nobody named, a
server in the middle of something. Each sentence says what to do; where another import is missing, it names it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from infra.cloud import Answer
from infra.planned import PlannedObject
from infra.provider.observe import ProjectListing
from infra.provider.router_interface import is_interface
from infra.stackplan import DeletionPolicy, Kind

# Nova changes a server's metadata, which carries the marker, in these states only.
AT_REST = ("ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED")
USABLE = ("available", "in-use")
IPV4 = 4
MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Case:
    """One object to be taken over: what is planned, what there is, and what is around it.

    `ours` gives the logical name of everything that is the request's once all its imports are done, by id.
    """

    planned: PlannedObject
    raw: Answer
    listing: ProjectListing
    ours: Mapping[str, str]
    deletion_policy: DeletionPolicy

    def id_of(self, name: str) -> str | None:
        """The id of an object of the request, if it exists."""
        return next((object_id for object_id, known in self.ours.items() if known == name), None)


def obstacles_of_kind(case: Case) -> Iterator[str]:
    """Everything that is wrong with the object itself."""
    yield from _CHECKS[case.planned.kind](case)


def _router(case: Case) -> Iterator[str]:
    if case.raw.get("routes"):
        yield "has static routes, which no plan contains; remove them"
    for port in filter(is_interface, case.listing.ports_of(case.raw["id"])):
        for subnet in [entry["subnet_id"] for entry in port["fixed_ips"]]:
            if subnet not in case.ours:
                yield f"has a leg in subnet {subnet}, which is not of this request; import its network, too"


def _network(case: Case) -> Iterator[str]:
    if case.raw.get("shared") or case.raw.get("router:external"):
        yield "is shared with other projects; only a network of the department's own can be taken over"
    subnets = [raw["id"] for raw in case.listing[Kind.SUBNET] if raw["network_id"] == case.raw["id"]]
    if len(subnets) != 1:
        yield f"has {len(subnets)} subnets; a network of a request has exactly one"
    strangers = [port["id"] for port in case.listing[Kind.PORT] if _is_stranger(port, case)]
    if strangers and case.deletion_policy == "Delete":  # its router would go, and cut them off
        who = ", ".join(strangers[:MOST_SHOWN])
        yield f"has ports that are not of this request ({who}); import them, too, or set deletionPolicy: Release"


def _is_stranger(port: Answer, case: Case) -> bool:
    is_neutrons_own = str(port.get("device_owner", "")).startswith("network:")
    return port.get("network_id") == case.raw["id"] and port["id"] not in case.ours and not is_neutrons_own


def _subnet(case: Case) -> Iterator[str]:
    raw, pools = case.raw, case.raw.get("allocation_pools") or []
    yield from _network_of(case)
    if raw.get("ip_version", IPV4) != IPV4:
        yield "is no IPv4 subnet"
    if not raw.get("gateway_ip"):
        yield "has no gateway; set one"
    if len(pools) != 1:
        yield f"has {len(pools)} allocation pools; make it one"
    if raw.get("host_routes"):
        yield "has host routes, which no plan contains; remove them"
    for port in case.listing[Kind.PORT]:
        addresses = {entry["ip_address"] for entry in port["fixed_ips"] if entry["subnet_id"] == raw["id"]}
        if addresses and is_interface(port):
            if port["device_id"] not in case.ours:
                yield f"router {port['device_id']} has a leg in it; import also {_entry('router', port['device_id'])}"
        elif raw.get("gateway_ip") in addresses:
            yield f"its gateway address belongs to port {port['id']}, which is no router's"


def _group(case: Case) -> Iterator[str]:
    if case.raw["name"] == "default":
        yield "is the project's default group, which nobody can have for himself; leave it out, a new one is made"
    for port in case.listing[Kind.PORT]:
        if case.raw["id"] in port.get("security_groups", ()) and port["id"] not in case.ours:
            what = f"is the group of port {port['id']}, too, which is not of this request"
            yield f"{what}; import that port, or leave the group out: a new one is made"


def _port(case: Case) -> Iterator[str]:
    addresses = case.raw.get("fixed_ips") or []
    if len(addresses) != 1:
        yield f"has {len(addresses)} addresses; a port of a request has exactly one"
    yield from _network_of(case)
    device, server = case.raw.get("device_id"), case.planned.name.replace("port-", "server-", 1)
    if not device:
        return
    if not str(case.raw.get("device_owner", "compute:")).startswith("compute:"):
        yield f"belongs to {case.raw['device_owner']}, not to a server"
    elif case.ours.get(device) != server:
        yield f"is the port of server {device}; import also {_entry(server, device)}"


def _network_of(case: Case) -> Iterator[str]:
    network, wanted = case.raw["network_id"], str(case.planned.inputs["network"])[1:]
    if case.ours.get(network) != wanted:
        yield f"is in network {network}; import also {_entry(wanted, network)}"


def _volume(case: Case) -> Iterator[str]:
    raw, planned = case.raw, case.planned
    if raw["status"] not in USABLE:
        yield f"is in status {raw['status']}; wait until it is one of {', '.join(USABLE)}"
    if raw["size"] > planned.inputs["size_gib"]:
        yield f"has {raw['size']} GiB, not {planned.inputs['size_gib']}; it can grow, not shrink"
    server = "server-" + planned.name.partition("-")[2].partition(".")[0]
    for attached in [entry["server_id"] for entry in raw.get("attachments") or []]:
        if case.ours.get(attached) != server:
            yield f"is attached to server {attached}; import also {_entry(server, attached)}"


def _floating_ip(case: Case) -> Iterator[str]:
    port, wanted = case.raw.get("port_id"), str(case.planned.inputs["port"])[1:]
    if port is None:
        yield "is on no port; a public address of a request is on its server's"
    elif case.ours.get(port) != wanted:
        yield f"is on port {port}; import also {_entry(wanted, port)}"


def _server(case: Case) -> Iterator[str]:
    raw, planned = case.raw, case.planned
    if raw["status"] not in AT_REST or raw.get("OS-EXT-STS:task_state"):
        yield f"is in status {raw['status']}; wait until it is one of {', '.join(AT_REST)}, with nothing going on"
    yield from _server_port(case)
    volumes = [entry["id"] for entry in raw.get("os-extended-volumes:volumes_attached") or []]
    boot, image = planned.inputs["boot_volume"], (raw.get("image") or {}).get("id")
    if image and boot:
        yield "boots from a disk of its own; leave bootVolumeGiB out"
    elif image is None and boot is None:
        yield "boots from a volume; give bootVolumeGiB, and import that volume, too"
    elif boot and case.id_of(boot[1:]) not in volumes:
        yield f"boots from a volume; import it, too, as {boot[1:]}; attached are {', '.join(volumes) or 'none'}"
    elif image and image != planned.inputs["image_id"]:
        yield f"was built from image {image}, not from {planned.inputs['image_id']}, which the request names"


def _server_port(case: Case) -> Iterator[str]:
    ports = [port["id"] for port in case.listing.ports_of(case.raw["id"])]
    wanted = str(case.planned.inputs["port"])[1:]
    if len(ports) != 1:
        yield f"has {len(ports)} ports; a server of a request has exactly one"
    elif case.ours.get(ports[0]) != wanted:
        yield f"its port is {ports[0]}; import also {_entry(wanted, ports[0])}"


def _entry(name: str, object_id: str) -> str:
    return f"{{name: {name}, id: {object_id}}}"


_CHECKS: Mapping[Kind, Callable[[Case], Iterator[str]]] = {
    Kind.ROUTER: _router,
    Kind.NETWORK: _network,
    Kind.SUBNET: _subnet,
    Kind.SECURITY_GROUP: _group,
    Kind.PORT: _port,
    Kind.VOLUME: _volume,
    Kind.FLOATING_IP: _floating_ip,
    Kind.SERVER: _server,
}
IMPORTABLE = frozenset(_CHECKS)
