"""All crash points, by name. A point is a function: it approves (or deletes) and does the harm at its moment."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
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
# Half of every run's work is to build a request and to remove it. So one request comes to several points.
# By what is done to a new request, what is done to a change of it once it is Ready:
CHANGES: Mapping[str, str] = {
    "approval-read": "status-conflict",
    "decision-recorded": "status-write-lost",
    "intent-written": "watch-dead",
    "post-unanswered": "state-lost",
    "post-unrecorded": "state-truncated",
    "between-objects": "two-operators",
    "awaiting-active": "leader-hangs",
    "server-in-error": "engine-outlives-operator",
}
# and the removal that it comes to:
ENDINGS: Mapping[str, str] = {
    "approval-read": "delete-unanswered",
    "decision-recorded": "server-gone-ports-not",
    "intent-written": "before-the-finalizer",
    "post-unanswered": "credentials-revoked",
    "post-unrecorded": "secret-deleted",
    "between-objects": "namespace-deleted",
}
Life = tuple[Point, ...]
"""Points that one request goes through: the first is done to all of it, a second to a change, a removal to its end."""


def lives(names: Iterable[str], seed: int) -> list[Life]:
    """All that is asked for, by name, once each. What shares a life does so only when all of it is asked for.

    With every other seed it is the second point that is done to the new request, and the first to the change.
    """
    asked = list(dict.fromkeys(names))
    followers = {
        follower
        for table in (CHANGES, ENDINGS)
        for name, follower in table.items()
        if name in asked and follower in asked
    }
    return [_life(name, followers, seed) for name in asked if name not in followers]


def _life(name: str, followers: set[str], seed: int) -> Life:
    built, ending = (name, CHANGES.get(name)), ENDINGS.get(name)
    in_order = (*(built if seed % 2 else reversed(built)), ending)
    return tuple(POINTS[each] for each in in_order if each == name or each in followers)
