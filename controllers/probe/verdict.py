"""What came of it: each attempt as declared, as planned and as measured, and whether the three agree. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from controllers.probe.declared import Pair, declared_by, says
from controllers.probe.planned import is_planned
from controllers.probe.stations import Case, Role
from infra.sandbox.guests.packets import Sight


class Measured(StrEnum):
    """What the wire did."""

    OPEN = "open"  # it arrived and was answered
    ARRIVED = "arrived"  # it arrived; no answer came back
    CLOSED = "closed"
    STRAYED = "strayed"  # it arrived at a server it was not for


@dataclass(frozen=True, slots=True)
class Row:
    """One attempt. `declared` are the words that permit it, empty when none do."""

    pair: Pair
    declared: str
    planned: bool
    measured: Measured

    @property
    def expected(self) -> Measured:
        return Measured.OPEN if self.declared else Measured.CLOSED

    @property
    def mismatch(self) -> str:
        """What does not agree; empty when all do."""
        if bool(self.declared) != self.planned:
            return f"the plan {'permits' if self.planned else 'forbids'} what is {self.words}"
        if self.measured is not self.expected:
            return f"{self.measured} on the wire, but {self.words}"
        return ""

    @property
    def words(self) -> str:
        return "declared" if self.declared else "not declared"


def row(pair: Pair, sight: Sight, case: Case, guests: Mapping[str, str]) -> Row:
    """`guests` are the namespaces of servers: where nothing may arrive that is not for them."""
    planned = is_planned(pair, case)
    declared = declared_by(pair, case) if says(pair, case) else "plan in force" if planned else ""
    return Row(pair, declared, planned, measured(pair, sight, guests))


def measured(pair: Pair, sight: Sight, guests: Mapping[str, str]) -> Measured:
    """An outside host is a router: only what is for itself has arrived there. An answer's own mark comes back.

    Zones may have an address in common, such as the metadata's: who answers is told by where it arrived.
    """
    own = pair.target.network
    through = {network for network, _ in sight.arrivals if network in guests}
    if through - {own, pair.source.network}:
        return Measured.STRAYED
    is_guest = pair.target.role is not Role.OUTSIDE
    arrived = own in through if is_guest else (own, pair.target.address) in sight.arrivals
    if sight.answered and (arrived or is_guest):
        return Measured.OPEN
    return Measured.ARRIVED if arrived else Measured.CLOSED


def undecided(rows: Sequence[Row]) -> list[Pair]:
    """What is declared and did not get through: a busy machine loses packets, so it is tried once more."""
    return [each.pair for each in rows if each.declared and each.planned and each.measured is not Measured.OPEN]
