"""Carrying a probe out: who there is by the cluster and the sandbox, then packets, then what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from controllers.api.stored import PLANS, REQUESTS, ZONES, ResourceRequest, stored
from controllers.cli.kubectl import ClusterError, Kubectl
from controllers.cli.reading import verified
from controllers.cli.verdict import public_of
from controllers.probe.attacks import FIRST_MARK, MOST_EACH, Attack, attacks, way_of
from controllers.probe.declared import Pair
from controllers.probe.matrix import Cast, pairs
from controllers.probe.stations import (
    Bodies,
    Body,
    Case,
    Known,
    bodiless,
    outside_stations,
    own_stations,
    public_stations,
    strangers,
)
from controllers.probe.verdict import Row, row, undecided
from infra.sandbox.guests import frames
from infra.sandbox.guests.inside import Host, hosts
from infra.sandbox.guests.keeper import recorded
from infra.sandbox.guests.outside import add_address
from infra.sandbox.guests.packets import Frame, Probe, allot, neighbours, send
from infra.sandbox.guests.places import Places
from infra.stackplan import Kind as CloudKind

AT_ONCE = 4000  # probes of one run: the switch learns each in user space
SERVER_PREFIX = "server-"
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Attempted:
    """One attack, and where it was seen that it should not have been."""

    attack: Attack
    arrived_at: Sequence[str]


@dataclass(frozen=True, slots=True)
class Findings:
    """Everything that was tried. `addressed` got their own address by DHCP, `unaddressed` did not."""

    rows: Sequence[Row]
    attempted: Sequence[Attempted]
    addressed: Sequence[str]
    unaddressed: Sequence[str]
    missing: Sequence[str]

    @property
    def mismatches(self) -> int:
        wrong = sum(bool(each.mismatch) for each in self.rows) + sum(bool(each.arrived_at) for each in self.attempted)
        return wrong + len(self.unaddressed) + len(self.missing)


def probe(kubectl: Kubectl, places: Places, name: str | None) -> Findings:
    """Try everything that concerns the request's servers, or those of the whole namespace. Raises KunlunError."""
    case, bodies = read_case(kubectl), read_bodies(places)
    if name is not None and name not in case.requests:
        raise ClusterError(f"request '{name}' has no plan in force here: is the namespace right?")
    own = own_stations(case, bodies)
    subjects = [station for station in own if name in {None, station.request}]
    others = [*(station for station in own if station not in subjects), *strangers(case, bodies)]
    outside = list(outside_stations(case, bodies))
    for station in outside:
        add_address(station.network, station.address)
    cast = Cast(subjects, [*others, *outside], list(public_stations(case, subjects)))
    guests = {body.network: body.name for body in bodies.guests.values()}
    memory = places.folder / "next_source_port"
    rows = measure(pairs(cast, case), case, guests, memory)
    attempted, offered = attack(rows, cast, case, memory)
    return Findings(
        rows=rows,
        attempted=attempted,
        addressed=[station.name for station in subjects if station.address in offered.get(station.network, ())],
        unaddressed=[station.name for station in subjects if station.address not in offered.get(station.network, ())],
        missing=[each for each in bodiless(case, bodies) if name is None or each.startswith(f"{name}/")],
    )


def read_case(kubectl: Kubectl) -> Case:
    """The namespace's requests with a plan in force, and the zones. A plan that is not what it says is an error."""
    requests = [stored(REQUESTS, document) for document in kubectl.listed(REQUESTS)]
    plans = {document["metadata"]["name"]: document for document in kubectl.listed(PLANS)}
    zones = {zone.meta.name: zone.spec for zone in (stored(ZONES, each) for each in kubectl.listed(ZONES))}
    known = {
        request.meta.name: known_request(request, plans[request.status.approved_plan])
        for request in requests
        if request.status.approved_plan in plans and not request.meta.deleting
    }
    return Case(known, zones)


def known_request(request: ResourceRequest, document: Mapping[str, object]) -> Known:
    plan = verified(document)
    present = plan.spec.stack.origin.generation == request.meta.generation
    servers = {
        item.name.removeprefix(SERVER_PREFIX): item.id
        for item in request.status.resources
        if item.kind is CloudKind.SERVER
    }
    settled = request.status.plan == request.status.approved_plan
    public = dict(public_of(request.status))
    return Known(plan.spec.stack, request.spec if present else None, settled, servers, public)


def read_bodies(places: Places) -> Bodies:
    """What the sandbox has plugged."""
    found = hosts(places)
    return Bodies(
        guests={host.server: guest_body(places, host) for host in found if host.server},
        outside={host.zone: Body(host.name, host.namespace, host.address) for host in found if host.zone},
    )


def guest_body(places: Places, host: Host) -> Body:
    guest = recorded(places.guest(host.server))
    mac = guest.wires[0].mac if guest and guest.wires else ""
    return Body(host.name, host.namespace, host.address, mac)


def measure(wanted: Sequence[Pair], case: Case, guests: Mapping[str, str], memory: Path) -> list[Row]:
    """Send a packet for each pair. What should have got through is tried again; what should not have, never."""
    found: dict[Pair, Row] = {}
    todo = list(wanted)
    networks = {*guests, *(pair.target.network for pair in wanted)}
    for _ in range(ROUNDS):
        for start in range(0, len(todo), AT_ONCE):
            some = todo[start : start + AT_ONCE]
            sent = send(networks, [probe_of(pair) for pair in some], first_port=allot(memory, len(some)))
            found |= {pair: row(pair, sight, case, guests) for pair, sight in zip(some, sent.sights, strict=True)}
        todo = undecided(list(found.values()))
    return [found[pair] for pair in wanted]


def probe_of(pair: Pair) -> Probe:
    source, target = pair.source, pair.target
    return Probe(source.network, pair.protocol, source.address, target.address, pair.port, listener=target.inner)


def attack(
    rows: Sequence[Row], cast: Cast, case: Case, memory: Path
) -> tuple[list[Attempted], Mapping[str, frozenset[str]]]:
    """What no honest guest does, and beside it what every honest one does: ask for its address."""
    declared = [each.pair for each in rows if each.declared]
    ways = {
        station.network: way
        for station in cast.subjects
        if (way := way_of(station, case, neighbours(station.network))) is not None
    }
    first_port = allot(memory, MOST_EACH * len(cast.subjects))
    tried = attacks(declared, cast.subjects, ways, first_port=first_port)
    asking = [station for station in cast.subjects if station.mac]
    questions = [
        Frame(station.network, "eth0", frames.dhcp_discover(station.mac, index), FIRST_MARK - 1)
        for index, station in enumerate(asking)
    ]
    watching = {station.network for station in (*cast.subjects, *cast.others)}
    sent = send(watching, [], [*(each.frame for each in tried), *questions], first_port=first_port)
    offered = {network: saw.offers for network, saw in sent.watched.items()}
    return [Attempted(each, each.arrived_at(sent.watched)) for each in tried], offered
