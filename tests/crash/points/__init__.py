"""All crash points, by name. A point is a function: it approves (or deletes) and does the harm at its moment."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from tests.crash.points import access, building, cluster, engine, linked, pair, recording, removal
from tests.crash.run import Run


class Phase(StrEnum):
    """What the harm is done to: a planned request that `act` approves, or a Ready one that `act` deletes.

    In the life of a linked pair `act` does all of it, from the plans to the end of both.
    """

    BUILDING = "building"
    REMOVAL = "removal"
    PAIR = "pair"


@dataclass(frozen=True, slots=True)
class Point:
    """`act` returns when the harm is done and repaired; the rest of the run is the same for all."""

    name: str
    phase: Phase
    act: Callable[[Run], None]

    @property
    def sentence(self) -> str:
        """What is done, in words."""
        return (inspect.getdoc(self.act) or "").partition("\n")[0]


BUILDING = (
    building.approval_read,
    recording.decision_recorded,
    building.intent_written,
    building.post_unanswered,
    building.post_unrecorded,
    building.between_objects,
    building.awaiting_active,
    building.server_in_error,
    engine.engine_killed,
    engine.engine_outlives_operator,
    engine.state_lost,
    engine.state_truncated,
    cluster.status_write_lost,
    cluster.status_conflict,
    cluster.watch_dead,
    pair.two_operators,
    pair.leader_hangs,
)
REMOVAL = (
    removal.delete_unanswered,
    removal.server_gone_ports_not,
    removal.before_the_finalizer,
    access.credentials_revoked,
    access.secret_deleted,
    cluster.namespace_deleted,
)
PAIRS = (linked.link_half_joined, linked.link_half_called, linked.link_half_parted)


def _points() -> Mapping[str, Point]:
    phases = {Phase.BUILDING: BUILDING, Phase.REMOVAL: REMOVAL, Phase.PAIR: PAIRS}
    found = [Point(act.__name__.replace("_", "-"), phase, act) for phase, acts in phases.items() for act in acts]
    return {point.name: point for point in found}


POINTS = _points()
