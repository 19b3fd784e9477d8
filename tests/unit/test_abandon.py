"""Giving a request up: the cloud is left alone, what stays is written down, the object goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controllers.api import ABANDON, ABANDONED_BY
from controllers.api.stored import REQUESTS
from controllers.operator import Operator
from infra.errors import CloudUnavailable, ClusterRefused, ClusterUnavailable, StateUnwritable, StatusUnreadable
from tests.build import NAMESPACE
from tests.unit.world import UID, World, versioned

MARKED = {ABANDON: "cloud lost", ABANDONED_BY: "ops.wang"}
LEAVING = "2026-01-01T00:00:00Z"


async def given_up(world: World, **metadata: Any) -> None:
    """A built request of which everything is asked for that its metadata says."""
    await world.built()
    world.ask(**{"annotations": MARKED, "deletionTimestamp": LEAVING, **metadata})


async def test_a_request_that_is_given_up_goes_and_the_cloud_is_not_touched() -> None:
    """One Event says who, why and what stays; the engine forgets it; nothing is removed."""
    world = World()
    await given_up(world)
    world.cluster.events.clear()

    assert await world.turn() is None
    assert ([], [UID], [[]]) == (world.engine.removed, world.engine.forgotten, world.cluster.finalizers)
    (event,) = world.cluster.events
    assert ("Abandoned", "Warning") == (event["reason"], event["type"])
    words = "given up by ops.wang: cloud lost; stays in OpenStack: Server server-web-0 id-server-web-0"
    assert words in event["message"]


async def test_a_cloud_that_does_not_answer_stops_nobody() -> None:
    """Then the record is what the status had."""
    world = World()
    await given_up(world)
    world.surveys.failure = CloudUnavailable("gone for good")
    await world.turn()

    assert [[]] == world.cluster.finalizers
    assert "Router router id-router" in world.cluster.events[-1]["message"]


@pytest.mark.parametrize(
    "annotations",
    [{}, {ABANDON: "cloud lost"}, {ABANDONED_BY: "ops.wang"}, MARKED | {ABANDON: " "}],
    ids=["unmarked", "nobody's name", "no reason", "empty reason"],
)
async def test_what_is_not_wholly_given_up_is_removed(annotations: dict[str, str]) -> None:
    """Both marks, or the usual way."""
    world = World()
    await given_up(world, annotations=annotations)
    await world.turn()

    assert ([set()], []) == (world.engine.removed, world.engine.forgotten)


async def test_without_a_deletion_the_marks_do_nothing() -> None:
    """The request lives on."""
    world = World()
    await world.built()
    world.ask(annotations=MARKED)
    await world.turn()

    assert ([], [], []) == (world.engine.removed, world.engine.forgotten, world.cluster.finalizers)
    assert ("True", "Ready") == world.standing()


async def test_nothing_is_let_go_unrecorded() -> None:
    """While the Event cannot be written, the request stays; where none is taken, the log is the record."""
    world = World()
    await given_up(world)
    world.cluster.failure = ClusterUnavailable("later")
    with pytest.raises(ClusterUnavailable):
        await world.turn()
    held = list(world.cluster.finalizers)
    world.cluster.failure = ClusterRefused("the namespace is being terminated")
    await world.turn()

    assert ([], [[]]) == (held, world.cluster.finalizers)


async def test_a_full_disk_stops_nobody() -> None:
    """The record is written once and the request goes; what is left of the engine's state goes at the next start."""
    world = World()
    await given_up(world)
    world.cluster.events.clear()
    world.engine.stuck = StateUnwritable("the state folder is full")

    assert await world.turn() is None
    assert ([[]], 1) == (world.cluster.finalizers, len(world.cluster.events))


@pytest.mark.parametrize("spec", [{}, {"spec": {"zone": 1}}], ids=["status", "status and spec"])
async def test_a_request_that_nobody_can_read_can_be_given_up(spec: dict[str, Any]) -> None:
    """Giving up removes nothing, so nothing has to be known of it."""
    world = World()
    await given_up(world)
    unreadable(world, **spec)

    assert await Operator(world.parts, Path("ready")).reconcile((REQUESTS.name, NAMESPACE, "permit-portal")) is None
    assert ([], [[]]) == (world.engine.removed, world.cluster.finalizers)


async def test_a_request_that_nobody_can_read_is_not_let_go_unasked() -> None:
    """An empty status would say that nothing was ever built."""
    world = World()
    await given_up(world, annotations={})
    unreadable(world)

    with pytest.raises(StatusUnreadable):
        await Operator(world.parts, Path("ready")).reconcile((REQUESTS.name, NAMESPACE, "permit-portal"))
    assert [] == world.cluster.finalizers


def unreadable(world: World, **changed: Any) -> None:
    body = world.cache.body(REQUESTS, NAMESPACE, "permit-portal") or {}
    world.cache.keep(REQUESTS, versioned({**body, "status": {"resources": "unreadable"}, **changed}))
