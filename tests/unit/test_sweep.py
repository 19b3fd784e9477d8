"""Deletions nobody reported: found by a listing, and only when the listing is newer than what we knew."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from controllers.api.stored import APPROVALS, PLANS, REQUESTS, Kind
from controllers.cache import Cache
from controllers.cluster import Listing
from controllers.operator import Operator
from controllers.sweep import find_ghosts
from tests.build import NAMESPACE
from tests.unit.world import UID, World

Body = dict[str, Any]


@dataclass(slots=True)
class ApiServer:
    """Lists what a test says."""

    listings: dict[str, Listing | None] = field(default_factory=dict)

    async def listing(self, kind: Kind[Any, Any]) -> Listing | None:
        return self.listings.get(kind.name, Listing(100, frozenset()))


def a_cache(*known: tuple[Kind[Any, Any], str, int]) -> Cache:
    cache = Cache()
    for kind, name, version in known:
        meta = {"name": name, "namespace": "n", "uid": f"uid-{name}", "resourceVersion": str(version)}
        cache.keep(kind, {"metadata": meta, "spec": {}})
    return cache


async def ghosts(cache: Cache, **listings: Listing | None) -> list[tuple[str, str]]:
    found = await find_ghosts(cast(Any, ApiServer(listings)), cache)
    return [(ghost.kind.name, ghost.body["metadata"]["name"]) for ghost in found]


async def test_what_a_newer_listing_does_not_show_is_gone() -> None:
    """However silent the watch was."""
    cache = a_cache((REQUESTS, "gone", 50), (REQUESTS, "there", 60), (APPROVALS, "gone-too", 70))

    assert [("Approval", "gone-too"), ("ResourceRequest", "gone")] == await ghosts(
        cache, ResourceRequest=Listing(100, frozenset({"uid-there"}))
    )


async def test_what_is_newer_than_the_listing_is_not_gone() -> None:
    """It was made while the listing was on its way."""
    assert [] == await ghosts(a_cache((REQUESTS, "new", 101)))


async def test_an_object_of_the_same_name_is_another() -> None:
    """Objects are told apart by uid."""
    there = Listing(100, frozenset({"uid-of-the-new-one"}))

    assert [("Plan", "again")] == await ghosts(a_cache((PLANS, "again", 50)), Plan=there)


async def test_of_a_kind_that_is_not_served_nothing_is_believed() -> None:
    """Its CRD is being deleted, or not installed yet."""
    assert [] == await ghosts(a_cache((REQUESTS, "kept", 50)), ResourceRequest=None)


async def test_what_depends_on_a_ghost_is_woken_and_what_was_remembered_of_it_forgotten() -> None:
    """As if its deletion had been heard: a request is worked on when its plan goes, its memory goes with it."""
    world = World()
    plan = await world.built()
    operator = Operator(world.parts, Path("ready"))
    body = world.cache.body(PLANS, NAMESPACE, plan) or {}
    operator.heard(PLANS, {"type": "DELETED", "object": body})
    await asyncio.sleep(0.01)

    assert world.cache.body(PLANS, NAMESPACE, plan) is not None, "made again by the pass that was woken"
    request = world.cache.get(REQUESTS, NAMESPACE, "permit-portal")
    assert request is not None
    operator.heard(
        REQUESTS, {"type": "DELETED", "object": world.cache.body(REQUESTS, NAMESPACE, "permit-portal") or {}}
    )
    assert UID not in world.parts.memories.by_uid
    operator.heard(PLANS, {"type": "DELETED", "object": body})
    assert operator.parts.departed.named(plan, request) is None, (
        "a plan that goes after its request is missed by nobody"
    )
    await operator.queue.stop()
