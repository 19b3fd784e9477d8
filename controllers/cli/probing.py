"""Carrying a probe out: who there is by the cluster and the sandbox, then packets, then what became of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from controllers.cli.kubectl import ClusterError
from controllers.cli.participants import read_bodies
from controllers.probe.attacks import FIRST_MARK, MOST_EACH, Attack, attacks, way_of
from controllers.probe.declared import Pair
from controllers.probe.matrix import Cast, pairs
from controllers.probe.stations import (
    Bodies,
    Case,
    Role,
    bodiless,
    operator_stations,
    outside_stations,
    own_stations,
    public_stations,
    router_stations,
    strangers,
    ways_in,
)
from controllers.probe.verdict import Row, row, undecided
from infra.sandbox.guests import frames
from infra.sandbox.guests.outside import add_address, add_ways
from infra.sandbox.guests.packets import Frame, Probe, allot, neighbours, send
from infra.sandbox.guests.places import Places

AT_ONCE = 4000  # probes of one run: the switch learns each in user space
ROUNDS = 3

Say = Callable[[str], None]


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


def probe(case: Case, places: Places, name: str | None, say: Say) -> Findings:
    """Try everything that concerns the request's servers, or those of every request of the case. Raises KunlunError."""
    if name is not None and name not in case.requests:
        raise ClusterError(f"request '{name}' has no plan in force here: is the namespace right?")
    bodies = read_bodies(places, case.zones)
    cast = cast_of(case, bodies, name)
    prepare(cast, case, bodies)
    watched = {body.network: body.name for body in (*bodies.guests.values(), *bodies.management.values())}
    memory = places.folder / "next_source_port"
    rows = measure(pairs(cast, case), case, watched, memory, say)
    say("what no honest guest does")
    attempted, offered = attack(rows, cast, case, memory)
    addressed = [station.name for station in cast.subjects if station.address in offered.get(station.network, ())]
    return Findings(
        rows=rows,
        attempted=attempted,
        addressed=addressed,
        unaddressed=[station.name for station in cast.subjects if station.name not in addressed],
        missing=[each for each in bodiless(case, bodies) if name is None or each.startswith(f"{name}/")],
    )


def cast_of(case: Case, bodies: Bodies, name: str | None) -> Cast:
    """Whom the probe is about, and everybody else."""
    own = own_stations(case, bodies)
    subjects = [station for station in own if name in {None, station.request}]
    others = [*(station for station in own if station not in subjects), *strangers(case, bodies)]
    others += [*outside_stations(case, bodies), *operator_stations(bodies)]
    return Cast(subjects, others, list(public_stations(case, subjects)), list(router_stations(case, bodies)))


def prepare(cast: Cast, case: Case, bodies: Bodies) -> None:
    """Outside hosts have the addresses that they speak from, and the operator the ways to the servers."""
    for station in cast.others:
        if station.role is Role.OUTSIDE:
            add_address(station.network, station.address)
    for zone, body in bodies.management.items():
        add_ways(body.network, ways_in(case, cast.subjects, zone))


def measure(wanted: Sequence[Pair], case: Case, guests: Mapping[str, str], memory: Path, say: Say) -> list[Row]:
    """Send a packet for each pair. What should have got through is tried again; what should not have, never.

    `guests` are the namespaces where nothing may arrive that is not for them.
    """
    found: dict[Pair, Row] = {}
    todo = list(wanted)
    networks = {*guests, *(pair.target.network for pair in wanted)}
    for _ in range(ROUNDS):
        for start in range(0, len(todo), AT_ONCE):
            some = todo[start : start + AT_ONCE]
            say(f"packets: {start:,} of {len(todo):,}")
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
