"""The hosts of both sides as playbooks know them, and how each is reached. Pure; the operator and people by hand alike.

They are `source.<name>` and `target.<server>`, so that no name of one side can be one of the other's. Each is known by
its pinned host key under that name: two hosts of one address are two hosts all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from controllers.api.moves import SourceHost
from controllers.api.stored import Plan, ResourceRequest
from controllers.cutover.facts import Facts
from controllers.playbooks.reach import GuestAccess, by_proxy, connection, pinned_only
from controllers.request.configuration import Configuration, configuration_of
from infra.errors import GuestUnreachable
from infra.management import proxy_command
from infra.stackplan import StackPlan

CONTROL = "control"
HIGHEST_LEVEL = 5  # of protection; no play of a cutover asks


@dataclass(frozen=True, slots=True)
class Host:
    """One host. `pin` is its public host key, None while the platform does not know it."""

    name: str
    address: str
    groups: tuple[str, ...]
    pin: str | None
    port: int = 22
    user: str | None = None  # None: the operator's own for guests
    proxy: str = ""


@dataclass(frozen=True, slots=True)
class Sides:
    """All hosts; `servers` are those of the target by entry of `servers`, in order."""

    source: tuple[Host, ...] = ()
    target: tuple[Host, ...] = ()
    servers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def all(self) -> tuple[Host, ...]:
        return (*self.source, *self.target)

    def address(self, name: str) -> str:
        return next(host.address for host in self.all if host.name == name)


def guests_of(request: ResourceRequest | None, plan: Plan | None) -> Configuration | None:
    """The servers of a request that the operator has a way in to."""
    if request is None or plan is None:
        return None
    ids = {item.name: item.id for item in request.status.resources}
    return configuration_of(plan.spec.stack, ids, protection_level=HIGHEST_LEVEL)


def sides_of(facts: Facts, access: GuestAccess, pins: Mapping[str, str]) -> Sides:
    """`pins` are of guests, by the ids of servers."""
    target = tuple(_guests("target", facts.target, facts.target_plan, access, pins))
    if facts.spec.source.request is None:
        zone = facts.target.spec.zone if facts.target else ""
        proxy = proxy_command(access.source_proxy, zone, "") if access.source_proxy else ""
        source = tuple(_old(host, proxy) for host in facts.spec.source.hosts)
    else:
        source = tuple(_guests("source", facts.source, facts.source_plan, access, pins))
    stack = facts.target_plan.spec.stack if facts.target_plan else None
    return Sides(source, target, _servers(stack, target))


def inventory_of(sides: Sides, access: GuestAccess, known_hosts: str, *, python: str) -> dict[str, Any]:
    """As Ansible's YAML inventory plugin reads it."""
    hosts: dict[str, Any] = {CONTROL: {"ansible_connection": "local", "ansible_python_interpreter": python}}
    hosts |= {host.name: {**_reached(host, access, known_hosts), "kunlun_address": host.address} for host in sides.all}
    groups: dict[str, Any] = {CONTROL: {"hosts": {CONTROL: None}}, "source": {"hosts": {}}, "target": {"hosts": {}}}
    for side, members in (("source", sides.source), ("target", sides.target)):
        for host in members:
            for group in (side, *(f"{side}_{name}" for name in host.groups)):
                groups.setdefault(group.replace("-", "_"), {"hosts": {}})["hosts"][host.name] = None
    return {"all": {"hosts": hosts, "children": groups}}


def pins_of(sides: Sides) -> str:
    """As ssh reads them. Raises GuestUnreachable for hosts of which there is none (yet)."""
    if missing := [host.name for host in sides.all if host.pin is None]:
        text = f"the platform has no host key yet of {', '.join(missing[:5])}: without it nobody is trusted"
        raise GuestUnreachable(text, retry_after_seconds=3.0)
    return "".join(f"{host.name} {host.pin}\n" for host in sides.all)


def _old(host: SourceHost, proxy: str) -> Host:
    return Host(
        name=f"source.{host.name}",
        address=host.address,
        groups=tuple(host.groups),
        pin=host.host_key,
        port=host.port,
        user=host.user,
        proxy=proxy,
    )


def _guests(
    side: str, request: ResourceRequest | None, plan: Plan | None, access: GuestAccess, pins: Mapping[str, str]
) -> Iterator[Host]:
    wanted = guests_of(request, plan)
    if wanted is None or plan is None:
        return
    origin = plan.spec.stack.origin.name
    proxy = proxy_command(access.proxy, wanted.zone, wanted.gateway) if access.proxy else ""
    for guest in wanted.guests:
        server = guest.name.removeprefix(f"{origin}-")
        entry = server.rpartition("-")[0]
        yield Host(f"{side}.{server}", guest.address, (entry,), pins.get(guest.server), proxy=proxy)


def _servers(stack: StackPlan | None, target: Sequence[Host]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for host in target:
        entry = host.groups[0]
        found[entry] = (*found.get(entry, ()), host.name)
    return found if stack is not None else {}


def _reached(host: Host, access: GuestAccess, known_hosts: str) -> dict[str, Any]:
    options = (*pinned_only(known_hosts), f"-o HostKeyAlias={host.name}", *by_proxy(host.proxy))
    reached = connection(host.address, host.user or access.user, str(access.key), options)
    return {**reached, "ansible_port": host.port}
