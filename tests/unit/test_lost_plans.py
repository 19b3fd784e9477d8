"""A Plan deleted while its request lives: made again from what was known of it, or said to be lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from controllers.api.stored import PLANS, REQUESTS
from controllers.request.departed import DepartedPlans
from tests.build import NAMESPACE
from tests.unit.world import UID, World


def deleted(world: World, plan: str, **differing: Any) -> dict[str, Any]:
    """As when its DELETED event came."""
    body = dict(world.cache.body(PLANS, NAMESPACE, plan) or {}) | differing
    world.cache.drop(PLANS, body)
    world.parts.departed.keep(body)
    return body


async def test_a_plan_in_force_that_is_deleted_is_made_again() -> None:
    """Same name, same content; the request stays ready and nothing is built."""
    world = World()
    plan = await world.built()
    body, passes = deleted(world, plan), len(world.engine.passes)
    await world.turn()

    made = world.cache.body(PLANS, NAMESPACE, plan)
    assert made is not None
    assert body["spec"] == made["spec"]
    assert ("True", "Ready") == world.standing()
    assert passes == len(world.engine.passes)


async def test_a_newest_plan_that_is_deleted_is_made_again() -> None:
    """The officers go on reading the one they have been told of."""
    world = World()
    world.ask()
    await world.turn()
    plan = world.status()["plan"]
    deleted(world, plan)
    await world.turn()

    assert plan == world.status()["plan"]
    assert [plan] == [item.meta.name for item in world.cache.all(PLANS)]


async def test_a_plan_that_is_lost_for_good_is_said_to_be() -> None:
    """Nothing is changed without it, and the message says what to do."""
    world = World()
    plan = await world.built()
    world.cache.drop(PLANS, world.cache.body(PLANS, NAMESPACE, plan) or {})
    passes = len(world.engine.passes)
    world.ask(generation=2)
    await world.turn()

    assert ("False", "PlanLost") == world.standing()
    assert passes == len(world.engine.passes)


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_lost_plan_that_comes_back_is_watched_and_not_built_again(restarted: bool) -> None:
    """What was deleted by hand meanwhile is reported: nobody has asked to have it corrected."""
    world = World()
    plan = await world.built()
    world.surveys.servers_of.clear()
    body = world.cache.body(PLANS, NAMESPACE, plan) or {}
    world.cache.drop(PLANS, body)
    await world.turn()
    assert ("False", "PlanLost") == world.standing("Provisioned")
    if restarted:
        world.parts.memories.by_uid.clear()
    world.cache.keep(PLANS, body)
    await world.turn()
    world.clock += 1000
    await world.turn()

    assert 1 == len(world.engine.passes)
    assert ("False", "Drifted") == world.standing("Provisioned")


async def test_a_forged_plan_is_not_made_again() -> None:
    """Only what its digest proves."""
    world = World()
    plan = await world.built()
    spec = dict(world.cache.body(PLANS, NAMESPACE, plan) or {})["spec"]
    deleted(world, plan, spec={**spec, "monthlyYuan": 1})
    await world.turn()

    assert [] == list(world.cache.all(PLANS))


async def test_the_volumes_that_go_are_known_although_the_plan_went_first() -> None:
    """A namespace that ends deletes both at once, in any order."""
    world = World()
    plan = await world.built()
    going = dict(world.cache.body(PLANS, NAMESPACE, plan) or {})
    spec = dict(going["spec"])
    volume = {"name": "records", "sizeGiB": 10, "onDelete": "Delete"}
    stack = spec["stack"]
    stack = {**stack, "servers": [{**server, "volumes": [volume]} for server in stack["servers"]]}
    deleted(world, plan, spec={**spec, "stack": stack})
    world.ask(deletionTimestamp="2026-01-02T00:00:00Z")
    await world.turn()

    assert [{f"volume-{server['name']}.records" for server in stack["servers"]}] == world.engine.removed


async def test_a_copy_goes_with_its_request() -> None:
    """What is remembered does not grow for ever, and is never another request's."""
    world = World()
    plan = await world.built()
    body = deleted(world, plan)
    request = world.cache.get(REQUESTS, NAMESPACE, "permit-portal")
    assert request is not None
    departed = DepartedPlans()
    departed.keep(body)
    another = replace(request, meta=replace(request.meta, uid="another"))

    assert departed.named(plan, another) is None
    assert departed.named(plan, request) is not None
    departed.forget(UID)
    assert departed.named(plan, request) is None
