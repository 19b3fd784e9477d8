"""What to try: everybody on everybody, on what is declared, on what lies beside it, and on what attackers try. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from controllers.probe.declared import Pair
from controllers.probe.planned import rules_of
from controllers.probe.stations import Case, Role, Station

Service = tuple[str, int]

# Tried on everybody: administration, the web, databases, name service, the OpenStack APIs and Kubernetes.
ADMINISTRATION: tuple[Service, ...] = (("tcp", 22), ("tcp", 443), ("udp", 53))
PROVIDER_SERVICES: tuple[Service, ...] = (
    ("tcp", 22), ("tcp", 80), ("tcp", 5000), ("tcp", 6443), ("tcp", 8774), ("tcp", 9292), ("tcp", 9696),
)  # fmt: skip
LAST_PORT = 65535
OTHER_PROTOCOL = {"tcp": "udp", "udp": "tcp"}


@dataclass(frozen=True, slots=True)
class Cast:
    """Who takes part: those the probe is about, and everybody else. `routers` call nobody; only subjects try them."""

    subjects: Sequence[Station]
    others: Sequence[Station]
    public: Sequence[Station] = ()
    routers: Sequence[Station] = ()


def pairs(cast: Cast, case: Case) -> list[Pair]:
    """Every attempt with one of the subjects at one end, both directions."""
    found = [*_among(cast.subjects, cast.subjects, case), *_among(cast.subjects, cast.others, case)]
    found += _among(cast.others, [*cast.subjects, *cast.public], case)
    found += _among(cast.subjects, [*cast.public, *cast.routers], case)
    return list(dict.fromkeys(found))


def _among(sources: Iterable[Station], targets: Sequence[Station], case: Case) -> Iterator[Pair]:
    services = {target: services_of(target, case) for target in targets}
    for source in sources:
        for target in targets:
            if source.network != target.network:
                yield from (Pair(source, target, protocol, port) for protocol, port in services[target])


def services_of(target: Station, case: Case) -> list[Service]:
    """The ports to try at a station."""
    found: dict[Service, None] = {}
    if target.role is Role.OWN:
        for span in declared_spans(target, case):
            found |= dict.fromkeys(around(*span))
    if target.role in {Role.OUTSIDE, Role.MANAGEMENT}:
        found |= dict.fromkeys(PROVIDER_SERVICES)
        rules = case.zones[target.zone].base_rules
        found |= {(rule.protocol, rule.port): None for rule in rules if rule.to == f"{target.address}/32"}
    return list(found | dict.fromkeys(ADMINISTRATION))


def declared_spans(target: Station, case: Case) -> list[tuple[str, int, int]]:
    """Every span of ports that is open on any server of the target's request: one server's is not another's."""
    known = case.requests[target.request]
    entries = [group.name for group in known.stack.groups]
    stations = [Station("", Role.OWN, target.zone, "", "", target.request, entry) for entry in entries]
    rules = [rule for station in stations for rule in rules_of(station, case, "ingress")]
    spans = {(r.protocol, r.port_first, r.port_last or r.port_first) for r in rules if r.port_first is not None}
    for flow in known.spec.flows if known.spec else ():
        for text in flow.ports:
            protocol, _, span = text.partition("/")
            first, _, last = span.partition("-")
            spans.add((protocol, int(first), int(last or first)))  # type: ignore[arg-type]
    return sorted((protocol, first or 1, last or 1) for protocol, first, last in spans)


def around(protocol: str, first: int, last: int) -> Iterator[Service]:
    """The ends of a span, its neighbours, and the same number of the other protocol."""
    yield protocol, first
    yield protocol, last
    if first > 1:
        yield protocol, first - 1
    if last < LAST_PORT:
        yield protocol, last + 1
    yield OTHER_PROTOCOL[protocol], first
