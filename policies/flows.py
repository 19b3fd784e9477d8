"""Which flows a zone permits: its catalogue (`Zone.spec.flows`) held against the flows of a request.

Pure. The catalogue belongs to the zone in which a flow ends. Of its entries the first that fits a flow's source
and ports counts, as in a firewall, so a narrow entry stands before a wide one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Network

from controllers.api.ports import covers
from controllers.api.resourcerequest import FlowSpec, ResourceRequestSpec
from controllers.api.zone import FlowOrigin, PermittedFlow, ZoneClass, ZoneSpec

WHOLE_INTERNET = IPv4Network("0.0.0.0/0")


@dataclass(frozen=True, slots=True)
class Ground:
    """The zone in which flows end, all zones, and the zone of each other request of the namespace."""

    zone: str
    zones: Mapping[str, ZoneSpec]
    neighbours: Mapping[str, str] = field(default_factory=dict)

    @property
    def catalogue(self) -> tuple[PermittedFlow, ...]:
        return self.zones[self.zone].flows if self.zone in self.zones else ()


@dataclass(frozen=True, slots=True)
class Opening:
    """One port of one flow; `entry` is what permits it, None when nothing does."""

    flow: FlowSpec
    flow_index: int
    port_index: int
    entry: PermittedFlow | None


@dataclass(frozen=True, slots=True)
class NamedStage:
    """A stage that the catalogue asks for, and the words that say for what."""

    stage: str
    because: str


def openings(request: ResourceRequestSpec, ground: Ground) -> Iterator[Opening]:
    """Every port that the request wants open, with the entry that permits it.

    A flow from an unknown request or from no prefix at all comes from nowhere: it is another check's to say so.
    """
    for index, flow in enumerate(request.flows):
        for position, port in enumerate(flow.ports):
            if source_of(flow, ground) is not None:
                yield Opening(flow, index, position, permitting(flow, port, ground))


def permitting(flow: FlowSpec, port: str, ground: Ground) -> PermittedFlow | None:
    """The first entry of the catalogue that fits the flow's source and all of `port`."""
    fitting = (entry for entry in entries_for(flow, ground) if any(covers(wide, port) for wide in entry.ports))
    return next(fitting, None)


def entries_for(flow: FlowSpec, ground: Ground) -> list[PermittedFlow]:
    """The entries of the catalogue that fit the flow's source, whatever its ports."""
    source = source_of(flow, ground)
    return [entry for entry in ground.catalogue if source is not None and _fits(entry.from_, source, ground)]


def source_of(flow: FlowSpec, ground: Ground) -> str | IPv4Network | None:
    """The zone whose servers a flow comes from, or its prefix; None when it is from nowhere that is known."""
    if flow.from_.cidr is not None:
        return _prefix(flow.from_.cidr)
    return ground.zone if flow.from_.request is None else ground.neighbours.get(flow.from_.request)


def zones_within(flow: FlowSpec, ground: Ground) -> list[str]:
    """Other zones that the flow's prefix reaches into; to an Internet zone, everybody is nobody of them."""
    prefix, here = source_of(flow, ground), ground.zones.get(ground.zone)
    if not isinstance(prefix, IPv4Network) or here is None:
        return []
    if here.class_ is ZoneClass.INTERNET and prefix == WHOLE_INTERNET:
        return []
    return [name for name, zone in ground.zones.items() if name != ground.zone and _touches(zone, prefix)]


def crossings(request: ResourceRequestSpec, ground: Ground) -> tuple[str, ...]:
    """`internet → extranet`, once for each pair of zones that a flow of the request joins."""
    sources = (source_of(flow, ground) for flow in request.flows)
    zones = (source for source in sources if isinstance(source, str) and source != ground.zone)
    return tuple(f"{source} → {ground.zone}" for source in dict.fromkeys(zones))


def named_stages(request: ResourceRequestSpec, ground: Ground) -> tuple[NamedStage, ...]:
    """The stages that used entries of the catalogue name, once each, with the purpose of the first that does."""
    found: dict[str, NamedStage] = {}
    for opening in openings(request, ground):
        entry = opening.entry
        if entry is not None and entry.stage is not None:
            words = f"{entry.purpose}: {origin_in_words(entry.from_)} into zone '{ground.zone}'"
            found.setdefault(entry.stage, NamedStage(entry.stage, words))
    return tuple(found.values())


def origin_in_words(origin: FlowOrigin) -> str:
    """`zone 'internet'` or `10.0.0.0/8`."""
    return origin.cidr if origin.cidr is not None else f"zone '{origin.zone}'"


def entry_in_words(entry: PermittedFlow) -> str:
    """`tcp/80, tcp/443 from 0.0.0.0/0`."""
    return f"{', '.join(entry.ports)} from {origin_in_words(entry.from_)}"


def _fits(origin: FlowOrigin, source: str | IPv4Network, ground: Ground) -> bool:
    if isinstance(source, str):
        return origin.zone == source
    if origin.cidr is not None:
        return source.subnet_of(IPv4Network(origin.cidr))
    zone = ground.zones.get(origin.zone or "")
    return zone is not None and any(source.subnet_of(IPv4Network(own)) for own in zone.prefixes)


@lru_cache(maxsize=4096)
def _prefix(cidr: str) -> IPv4Network | None:
    try:
        return IPv4Network(cidr, strict=False)
    except ValueError:
        return None


def _touches(zone: ZoneSpec, prefix: IPv4Network) -> bool:
    return any(prefix.overlaps(IPv4Network(own)) for own in zone.prefixes)
