"""The end of a test environment: counted from its creation, asked for once, and not in the way of an extension."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.api.stored import REQUESTS, ZONES, Kind
from controllers.operator import LIFETIME, Operator
from controllers.request.lifetime import LONGEST_WAIT_SECONDS, expiry_in, tend_lifetime
from infra.errors import ClusterUnavailable
from tests.build import NAMESPACE, a_spec, a_zone
from tests.unit.world import World

CREATED = "2026-01-01T00:00:00Z"  # of every object of the world


def a_world(ttl: str | None = "2h", **metadata: Any) -> World:
    """A world with one test request."""
    world = World()
    limited = {} if ttl is None else {"timeToLive": ttl}
    world.ask(a_spec(environment="Test", **limited), **metadata)
    return world


async def tended(world: World) -> float | None:
    request = world.cache.get(REQUESTS, NAMESPACE, "permit-portal")
    assert request is not None
    return await tend_lifetime(request, world.parts)


@pytest.mark.parametrize(
    ("ttl", "now", "expected"),
    [
        ("30m", CREATED, 1800.0),
        ("30m", "2026-01-01T00:29:59Z", 1.0),
        ("2h", CREATED, LONGEST_WAIT_SECONDS),
        ("14d", "2026-01-14T23:50:00Z", 600.0),
        (None, "2036-01-01T00:00:00Z", None),
    ],
    ids=["before", "just before", "long before", "near the end of two weeks", "never"],
)
async def test_it_is_looked_at_again_when_it_ends(ttl: str | None, now: str, expected: float | None) -> None:
    """Waking is by time; at least now and then, since timers count on another clock."""
    world = a_world(ttl)
    world.today = now

    assert (expected, []) == (await tended(world), world.cluster.deleted)


@pytest.mark.parametrize("now", ["2026-01-01T02:00:00Z", "2026-03-01T00:00:00Z"], ids=["in time", "long after"])
async def test_what_is_over_is_deleted_and_told(now: str) -> None:
    """Also by an operator that was not there when it ended."""
    world = a_world()
    world.today = now

    assert (None, ["permit-portal"]) == (await tended(world), world.cluster.deleted)
    assert [("Expired", "Normal")] == [(event["reason"], event["type"]) for event in world.cluster.events]
    assert "2026-01-01T02:00:00Z" in world.cluster.events[0]["message"]


async def test_an_event_that_cannot_be_told_holds_nothing_up() -> None:
    """The deletion is what counts."""
    world = a_world()
    world.today, world.cluster.failure = "2026-01-02T00:00:00Z", ClusterUnavailable("no events")
    await tended(world)

    assert ["permit-portal"] == world.cluster.deleted


async def test_what_is_going_already_is_not_deleted_again() -> None:
    """Its removal may take a while."""
    world = a_world(deletionTimestamp="2026-01-02T00:00:00Z")
    world.today = "2026-01-03T00:00:00Z"

    assert (None, []) == (await tended(world), world.cluster.deleted)


async def test_an_extension_in_the_same_moment_wins() -> None:
    """What is deleted is the version that was read, no other: the next pass sees the longer time."""
    world = a_world()
    world.today = "2026-01-01T02:00:00Z"
    request = world.cache.get(REQUESTS, NAMESPACE, "permit-portal")
    world.ask(a_spec(environment="Test", timeToLive="4h"), generation=2)
    assert request is not None
    with pytest.raises(ClusterUnavailable):
        await tend_lifetime(request, world.parts)

    assert (LONGEST_WAIT_SECONDS, []) == (await tended(world), world.cluster.deleted)


@pytest.mark.parametrize(
    ("bound", "promised", "expected"),
    [
        ("14d", None, "2026-01-01T08:00:00Z"),
        ("2h", "2026-01-01T08:00:00Z", "2026-01-01T08:00:00Z"),
        ("2h", None, "2026-01-01T02:00:00Z"),
    ],
    ids=["within", "lowered since", "never seen by admission"],
)
def test_the_zones_bound_is_for_what_is_asked_from_then_on(bound: str, promised: str | None, expected: str) -> None:
    """What runs keeps the end it was promised; nothing else lives longer than the bound."""
    world = a_world("8h")
    if promised:
        world.keep(
            REQUESTS, "permit-portal", a_spec(environment="Test", timeToLive="8h"), status={"expiryTime": promised}
        )
    request = world.cache.get(REQUESTS, NAMESPACE, "permit-portal")
    assert request is not None

    assert expected == expiry_in(request, a_zone(longestTimeToLive=bound))


async def test_the_end_is_in_the_status() -> None:
    """People and pipelines read it there; one without an end has none."""
    world = a_world("8h")
    await world.turn()
    endless = a_world(None)
    await endless.turn()

    assert ("2026-01-01T08:00:00Z", None) == (world.status()["expiryTime"], endless.status().get("expiryTime"))


@pytest.mark.parametrize(("limited", "expected"), [({"timeToLive": "8h"}, True), ({}, False)])
async def test_the_operator_hears_of_every_lifetime(limited: dict[str, str], expected: bool) -> None:
    """From the first listing on, so that what ended while nobody watched ends then; beside the passes that build."""
    world = World()
    operator, woken = Operator(world.parts, world.parts.settings.state / "ready"), Woken()
    operator.queue = woken  # type: ignore[assignment]
    world.ask(a_spec(environment="Test", **limited))
    hear(operator, REQUESTS, world.cache.body(REQUESTS, NAMESPACE, "permit-portal"))

    assert expected == ((LIFETIME, NAMESPACE, "permit-portal") in woken.keys)


async def test_its_key_leads_to_its_end() -> None:
    """What the queue brings back is tended."""
    world = a_world()
    world.today = "2026-01-02T00:00:00Z"
    world.keep(ZONES, "extranet", a_zone(), namespace="")
    await Operator(world.parts, world.parts.settings.state / "ready").reconcile((LIFETIME, NAMESPACE, "permit-portal"))

    assert ["permit-portal"] == world.cluster.deleted


class Woken:
    """A queue that only notes."""

    def __init__(self) -> None:
        self.keys: list[tuple[str, str, str]] = []

    def add(self, key: tuple[str, str, str]) -> None:
        self.keys.append(key)


def hear(operator: Operator, kind: Kind[Any, Any], body: Any) -> None:
    operator.heard(kind, {"type": None, "object": body})
