"""Who may reach whom by the approved plans: both ends' rules, and a way between them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

from controllers.probe.declared import Pair
from controllers.probe.stations import Case, Role, Station, sibling
from infra.stackplan import RulePlan


def is_planned(pair: Pair, case: Case) -> bool:
    """Whether the rules at both ends let it through, and the plans make a way."""
    return _leaves(pair, case) and _enters(pair, case) and _has_a_way(pair, case)


def _leaves(pair: Pair, case: Case) -> bool:
    match pair.source.role:
        case Role.OWN:
            return any(_permits(rule, pair, pair.target, case) for rule in rules_of(pair.source, case, "egress"))
        case Role.STRANGER:
            return False  # a flow names only servers of its own namespace
        case Role.OUTSIDE:
            return True
        case Role.MANAGEMENT:
            return pair.service == "tcp/22"  # the operator's port opens SSH and nothing else


def _enters(pair: Pair, case: Case) -> bool:
    match pair.target.role:
        case Role.OWN:
            return any(_permits(rule, pair, pair.source, case) for rule in rules_of(pair.target, case, "ingress"))
        case Role.STRANGER | Role.MANAGEMENT:
            return False
        case Role.OUTSIDE:
            return True


def _has_a_way(pair: Pair, case: Case) -> bool:
    source, target = pair.source, pair.target
    if source.role is Role.OWN and source.request == target.request:
        return True
    if source.role is target.role is Role.OWN and (
        _is_linked(source, target, case) or _is_linked(target, source, case)
    ):
        return True
    if source.zone != target.zone:
        return False
    if source.role is Role.MANAGEMENT:
        return not target.inner and case.requests[target.request].stack.router.management is not None
    # Within a zone the upstream router knows every prefix that no router hides behind its own address.
    if target.role is Role.OUTSIDE or target.inner:
        return True
    return not case.requests[target.request].stack.router.source_nat


def _is_linked(caller: Station, called: Station, case: Case) -> bool:
    """Whether a link of the called request's plan has routes for both."""
    return any(
        sibling(called.request, link.request) == caller.request
        and f"{caller.address}/32" in link.callers
        and f"{called.address}/32" in link.called
        for link in case.requests[called.request].stack.links
    )


def rules_of(station: Station, case: Case, direction: str) -> Iterator[RulePlan]:
    """The rules of a server's group, one direction."""
    stack = case.requests[station.request].stack
    for group in stack.groups:
        if group.name == station.entry:
            yield from (rule for rule in group.rules if rule.direction == direction)


def _permits(rule: RulePlan, pair: Pair, remote: Station, case: Case) -> bool:
    if rule.protocol != pair.protocol or not _includes(rule, pair.port):
        return False
    if rule.remote_cidr is not None:
        return IPv4Address(remote.address) in IPv4Network(rule.remote_cidr)
    if remote.inner:
        return False  # a group's members are known by their own addresses
    own = pair.source.request if remote is pair.target else pair.target.request
    if rule.remote_addresses is not None:
        groups = {group.name: group.addresses for group in case.requests[own].stack.address_groups}
        return f"{remote.address}/32" in groups.get(rule.remote_addresses, ())
    return remote.role is Role.OWN and remote.request == own and remote.entry == rule.remote_group


def _includes(rule: RulePlan, port: int) -> bool:
    if rule.port_first is None:
        return True
    return rule.port_first <= port <= (rule.port_last or rule.port_first)
