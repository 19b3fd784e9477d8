"""What a plan still needs, and what is left of it: the arithmetic of quota and room on hosts. Pure.

Items are in the words of the message, so that "needs 4 cores, 2 left" is no translation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from infra.planned import PlannedObject
from infra.provider.observed import ObservedObject
from infra.stackplan import Kind

SERVERS, CORES, MEMORY = "servers", "cores", "MiB of memory"
VOLUMES, VOLUME_GIB, RULES, PORTS = "volumes", "GiB of volumes", "security group rules", "ports"
DISK = "GiB of disk"
PUBLIC_ADDRESSES = "public addresses"

# One object of a kind counts as one of these.
COUNTED: Mapping[Kind, str] = {
    Kind.ROUTER: "routers",
    Kind.NETWORK: "networks",
    Kind.SUBNET: "subnets",
    Kind.ROUTER_INTERFACE: PORTS,
    Kind.SECURITY_GROUP: "security groups",
    Kind.PORT: PORTS,
    Kind.FLOATING_IP: PUBLIC_ADDRESSES,
    Kind.VOLUME: VOLUMES,
    Kind.SERVER: SERVERS,
}

Amounts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class FlavorSize:
    """What Nova counts for one server; `disk_gib` on the host, none for a server with a boot volume."""

    cores: int
    memory_mib: int
    disk_gib: int


@dataclass(frozen=True, slots=True)
class Shortage:
    """More is needed of an item than there is."""

    item: str
    needs: int
    left: int


def needed(planned: Collection[PlannedObject | ObservedObject], flavors: Mapping[str, FlavorSize]) -> Counter[str]:
    """What these objects take of a project's quota, planned or there. `flavors` by id; one not known counts nothing."""
    needs: Counter[str] = Counter(COUNTED[one.kind] for one in planned if one.kind in COUNTED)
    needs[PORTS] -= sum(one.kind is Kind.ROUTER_INTERFACE and "port" in one.inputs for one in planned)
    for one in planned:
        if one.kind is Kind.SECURITY_GROUP_RULES:
            needs[RULES] += len(one.inputs["rules"])
        if one.kind is Kind.VOLUME:
            needs[VOLUME_GIB] += int(one.inputs["size_gib"])
        if one.kind is Kind.SERVER and (size := flavors.get(one.inputs["flavor_id"])):
            needs.update({CORES: size.cores, MEMORY: size.memory_mib})
    return needs


def shortages(needs: Amounts, left: Amounts) -> list[Shortage]:
    """Every item of which too little is left; an item `left` does not name is not limited, or not known to be."""
    return [
        Shortage(item, amount, max(left[item], 0))
        for item, amount in needs.items()
        if amount > 0 and item in left and left[item] < amount
    ]


def in_words(found: Sequence[Shortage]) -> str:
    """`needs 4 cores, 2 left; needs 3 servers, 1 left`."""
    return "; ".join(f"needs {one.needs} {one.item}, {one.left} left" for one in found)


def room_needed(server: PlannedObject, size: FlavorSize) -> dict[str, int]:
    """What one server takes on its host."""
    room = {CORES: size.cores, MEMORY: size.memory_mib}
    return room if server.inputs["boot_volume"] else room | {DISK: size.disk_gib}


def without_host(room: Amounts, hosts: Sequence[Amounts]) -> list[Shortage] | None:
    """None when some host has the room; else what is lacking on the host that lacks the least.

    No host at all counts as one with nothing left.
    """
    lacking = [shortages(room, host) for host in hosts] or [shortages(room, dict.fromkeys(room, 0))]
    least = min(lacking, key=lambda found: (len(found), sum(one.needs - one.left for one in found)))
    return least or None
