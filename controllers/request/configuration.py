"""What Ansible is told of a request's guests: from the plan in force and the ids it became. Pure.

Two digests say whether it was told so before: of the guests with everything said of each, and of the roles' content.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controllers.api.zone import ZoneSpec
from controllers.playbooks.reach import by_proxy, connection, pinned_only
from infra.management import proxy_command
from infra.stackplan import RulePlan, ServerPlan, StackPlan, canonical_digest

EVERYBODY = "0.0.0.0/0"


@dataclass(frozen=True, slots=True)
class Guest:
    """One server with roles. `flows` is what may reach it; `user` is whose desktop it is, None when it is none."""

    name: str
    server: str
    address: str
    roles: tuple[str, ...]
    flows: tuple[Mapping[str, Any], ...]
    user: str | None = None


@dataclass(frozen=True, slots=True)
class DesktopStandard:
    """What all desktops of a zone are told: its rules, and the broker's public key."""

    clipboard: str
    screen: str
    broker_key: str

    @classmethod
    def of(cls, zone: ZoneSpec, broker_key: str) -> DesktopStandard:
        """As the zone has it now: its rules are the provider's, not part of what officers sign."""
        return cls(zone.desktop_rules.clipboard.value, zone.desktop_rules.screen, broker_key)


@dataclass(frozen=True, slots=True)
class Configuration:
    """The guests of one request. `gateway` is its router's address in the zone's management network."""

    zone: str
    management_prefix: str
    gateway: str
    protection_level: int
    guests: tuple[Guest, ...]
    desktops: DesktopStandard | None = None

    @property
    def roles(self) -> tuple[str, ...]:
        """Every role that is used, once."""
        return tuple(dict.fromkeys(role for guest in self.guests for role in guest.roles))

    @property
    def digest(self) -> str:
        """Changes with anything a guest is told, and with every server that is another one."""
        hosts = {guest.name: {"server": guest.server, **told(self, guest)} for guest in self.guests}
        return canonical_digest({"gateway": self.gateway, "hosts": hosts})


@dataclass(frozen=True, slots=True)
class Access:
    """How guests are reached: as whom, with which key, through what. `{zone}`, `{gateway}`, %h and %p are filled in."""

    user: str
    key: str
    known_hosts: str
    proxy: str


def configuration_of(
    plan: StackPlan, ids: Mapping[str, str], *, protection_level: int, desktops: DesktopStandard | None = None
) -> Configuration | None:
    """The plan's servers that have roles; None when none has. `ids` are of what was built, by logical name."""
    management = plan.router.management
    guests = [
        Guest(
            name=f"{plan.origin.name}-{server.name}",
            server=ids[f"server-{server.name}"],
            address=server.address,
            roles=server.roles,
            flows=tuple(_flows(plan, server)),
            user=(server.seat.user or "") if server.seat else None,
        )
        for server in plan.servers
        if server.roles and f"server-{server.name}" in ids
    ]
    if not guests or management is None:
        return None
    return Configuration(plan.zone, management.prefix, management.address, protection_level, tuple(guests), desktops)


def inventory(wanted: Configuration, access: Access) -> dict[str, Any]:
    """As Ansible's YAML inventory plugin reads it; variables are of hosts, so that nothing beside can override them."""
    hosts = {guest.name: {**reached(wanted, guest, access), **told(wanted, guest)} for guest in wanted.guests}
    groups: dict[str, Any] = {f"zone_{wanted.zone}".replace("-", "_"): {"hosts": dict.fromkeys(hosts)}}
    for role in wanted.roles:
        members = [guest.name for guest in wanted.guests if role in guest.roles]
        groups[f"role_{role}".replace("-", "_")] = {"hosts": dict.fromkeys(members)}
    return {"all": {"hosts": hosts, "children": groups}}


def told(wanted: Configuration, guest: Guest) -> dict[str, Any]:
    """What roles know of a guest."""
    return {
        "kunlun_roles": list(guest.roles),
        "kunlun_zone": wanted.zone,
        "kunlun_protection_level": wanted.protection_level,
        "kunlun_management_prefix": wanted.management_prefix,
        "kunlun_flows": [dict(flow) for flow in guest.flows],
        **_desktop(wanted.desktops, guest),
    }


def _desktop(standard: DesktopStandard | None, guest: Guest) -> dict[str, Any]:
    if standard is None or guest.user is None:
        return {}
    rules = {"clipboard": standard.clipboard, "screen": standard.screen}
    return {"kunlun_desktop": {"user": guest.user, "broker_key": standard.broker_key, "rules": rules}}


def reached(wanted: Configuration, guest: Guest, access: Access) -> dict[str, Any]:
    """How Ansible connects: with the pinned host key or not at all."""
    command = proxy_command(access.proxy, wanted.zone, wanted.gateway) if access.proxy else ""
    options = (*pinned_only(access.known_hosts), *by_proxy(command))
    return dict(connection(guest.address, access.user, access.key, options))


def known_hosts(guests: Iterable[Guest], keys: Mapping[str, str]) -> str:
    """The pins, `keys` by the ids of servers: one line a guest, and no other host is known."""
    return "".join(f"{guest.address} {keys[guest.server]}\n" for guest in guests)


def _flows(plan: StackPlan, server: ServerPlan) -> Iterator[dict[str, Any]]:
    """The ingress rules of its group, each source as a prefix."""
    group = next(group for group in plan.groups if group.name == server.group)
    for rule in group.rules:
        if rule.direction == "ingress" and not _is_management(plan, rule):
            ports = {"protocol": rule.protocol, "first": rule.port_first, "last": rule.port_last}
            yield from ({**ports, "source": source} for source in _sources(plan, rule))


def _is_management(plan: StackPlan, rule: RulePlan) -> bool:
    management = plan.router.management
    return management is not None and rule.remote_cidr == management.prefix


def _sources(plan: StackPlan, rule: RulePlan) -> Sequence[str]:
    if rule.remote_group is not None:
        return [f"{server.address}/32" for server in _members(plan, rule.remote_group)]
    if rule.remote_addresses is not None:
        return next(group.addresses for group in plan.address_groups if group.name == rule.remote_addresses)
    return [rule.remote_cidr or EVERYBODY]


def _members(plan: StackPlan, group: str) -> Sequence[ServerPlan]:
    return [server for server in plan.servers if server.group == group]
