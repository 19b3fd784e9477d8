"""Who may reach whom by the words of the requests: flows, roles, and what every server of a zone may do. Pure.

Independent of how plans are made: nothing here looks at a rule of a plan, unless the request was changed since.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from controllers.api.resourcerequest import FlowSpec
from controllers.probe.stations import Case, Role, Station, sibling


@dataclass(frozen=True, slots=True)
class Pair:
    """Somebody who tries to reach somebody."""

    source: Station
    target: Station
    protocol: str
    port: int

    @property
    def service(self) -> str:
        return f"{self.protocol}/{self.port}"


def declared_by(pair: Pair, case: Case) -> str:
    """The words that permit it; empty when nothing does, and what is not declared is closed."""
    if pair.source.role is Role.MANAGEMENT:
        return _by_roles(pair, case)
    if pair.target.role is Role.OWN:
        return _by_flow(pair, case)
    if pair.source.role is Role.OWN and pair.target.role is Role.OUTSIDE:
        return _by_zone(pair, case)
    return ""


def says(pair: Pair, case: Case) -> bool:
    """Whether the requests' own words are of the plans in force on both sides, so that they count."""
    names = {station.request for station in (pair.source, pair.target) if station.role is Role.OWN}
    return all(case.requests[name].spec is not None for name in names)


def _by_flow(pair: Pair, case: Case) -> str:
    spec = case.requests[pair.target.request].spec
    for flow in spec.flows if spec else ():
        fits = any(_includes(text, pair) for text in flow.ports)
        if flow.to == pair.target.entry and fits and _comes_from(flow, pair, case):
            return f"flow: {flow.purpose}"
    return ""


def _comes_from(flow: FlowSpec, pair: Pair, case: Case) -> bool:
    origin, source, target = flow.from_, pair.source, pair.target
    if origin.cidr is not None:
        # A prefix is reached through the zone's own uplink; where the zone hides its servers behind their router,
        # only those with a public address are reached, and under that only.
        hidden = case.zones[target.zone].source_nat and not target.inner
        beyond = source.role is Role.OUTSIDE and source.zone == target.zone and not hidden
        return beyond and IPv4Address(source.address) in IPv4Network(origin.cidr, strict=False)
    if source.role is not Role.OWN or source.entry != origin.servers or target.inner:
        return False
    if origin.request is None:
        return source.request == target.request
    # Open once both sides are signed: while a plan of the other side waits, it is not.
    named = sibling(target.request, origin.request)
    return source.request == named and case.requests[source.request].settled


def _by_roles(pair: Pair, case: Case) -> str:
    """Who is configured is reached for that, by SSH, from the management network of its zone."""
    target = pair.target
    if target.role is not Role.OWN or target.inner or (pair.source.zone, pair.service) != (target.zone, "tcp/22"):
        return ""
    spec = case.requests[target.request].spec
    entries = [each.name for each in spec.servers if each.roles] if spec else ()
    return "roles: configuration by the operator" if target.entry in entries else ""


def _by_zone(pair: Pair, case: Case) -> str:
    if pair.source.zone != pair.target.zone:
        return ""
    for rule in case.zones[pair.source.zone].base_rules:
        same = (rule.protocol, rule.port) == (pair.protocol, pair.port)
        if same and IPv4Address(pair.target.address) in IPv4Network(rule.to):
            return f"every server: {rule.purpose}"
    return ""


def _includes(ports: str, pair: Pair) -> bool:
    protocol, _, span = ports.partition("/")
    first, _, last = span.partition("-")
    return protocol == pair.protocol and int(first) <= pair.port <= int(last or first)
