"""Quota and budget between approval and building: given out one plan at a time, waited for in words."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from controllers.api.stored import REQUESTS, TENANTS
from controllers.operator import Operator
from controllers.request.reserve import frees_room
from policies.quota import Holding, shortfalls
from policies.usage import Usage
from tests.build import NAMESPACE, a_server, a_spec, a_tenant
from tests.unit.world import World, versioned

EXTRANET = "extranet"
HELD = {"a": 1, "b": 3, "c": 2, "d": 1, "e": 0}


def lacking(own: Usage, *others: Holding, held: Usage | None = None, **tenant: Any) -> list[str]:
    asked = Holding("permit-portal", EXTRANET, own)
    return [str(found) for found in shortfalls(asked, held or Usage(), others, a_tenant(**tenant))]


@pytest.mark.parametrize(
    ("own", "others", "expected"),
    [
        pytest.param(Usage(servers=10, vcpus=20), [], [], id="all of it"),
        pytest.param(
            Usage(vcpus=4),
            [Holding("db", EXTRANET, Usage(vcpus=18))],
            ["needs 4 vCPUs, 2 left of 20 in zone 'extranet'; request db holds 18"],
            id="the sum, and who holds the rest",
        ),
        pytest.param(
            Usage(servers=4),
            [Holding(name, EXTRANET, Usage(servers=amount)) for name, amount in HELD.items()],
            [
                "needs 4 servers, 3 left of 10 in zone 'extranet'; request b holds 3, request c holds 2, "
                "request a holds 1, 1 more hold the rest"
            ],
            id="the largest holders first, not all of them",
        ),
        pytest.param(Usage(servers=10), [Holding("db", "private", Usage(servers=10))], [], id="another zone's quota"),
        pytest.param(
            Usage(monthly_yuan=180),
            [Holding("db", "private", Usage(monthly_yuan=4900))],
            ["needs 180 yuan a month, 100 left of a budget of 5000; request db holds 4900"],
            id="the budget is of all zones",
        ),
        pytest.param(
            Usage(servers=1, networks=1),
            [Holding("db", EXTRANET, Usage(servers=12, networks=10))],
            [
                "needs 1 servers, 0 left of 10 in zone 'extranet'; request db holds 12",
                "needs 1 networks, 0 left of 10 in zone 'extranet'; request db holds 10",
            ],
            id="everything that is lacking, and never less than nothing left",
        ),
    ],
)  # fmt: skip
def test_what_is_lacking_is_said(own: Usage, others: list[Holding], expected: list[str]) -> None:
    """What is needed, what is left of what, and who holds it."""
    assert expected == lacking(own, *others)


def test_what_a_request_holds_already_it_may_keep() -> None:
    """A quota that was lowered refuses growth, not a change that gives something back."""
    other = Holding("db", EXTRANET, Usage(servers=8))

    assert [] == lacking(Usage(servers=5), other, held=Usage(servers=6))
    assert [] != lacking(Usage(servers=7), other, held=Usage(servers=6))


async def two_that_fit_one_by_one(**tenant: Any) -> World:
    """Two requests of six servers each, both planned and approved, in a department that may have ten."""
    world = World()
    if tenant:
        status = {"projects": [{"zone": EXTRANET, "id": "project-1", "name": "civil-affairs-extranet"}]}
        world.keep(TENANTS, "civil-affairs", a_tenant(**tenant), status=status, namespace="")
    for name in ("first", "second"):
        world.ask(a_spec(servers=[a_server(count=6)]), name=name)
        await world.turn(name)
        assert ("False", "AwaitingApproval") == world.standing(name=name)
        world.approve(name)
    return world


async def test_of_two_approved_at_once_the_second_waits_and_goes_on_by_itself() -> None:
    """Nothing of it is built meanwhile, and nobody has to approve again."""
    world = await two_that_fit_one_by_one()
    for name in ("first", "second"):
        await world.turn(name)

    assert "approvedPlan" in world.status("first") and "approvedPlan" not in world.status("second")
    assert ("False", "QuotaExceeded") == world.standing("Approved", "second")
    assert "needs 6 servers, 4 left of 10 in zone 'extranet'; request first holds 6" in message_of(world, "second")
    assert ["second"] == world.parts.memories.awaiting_room(NAMESPACE)
    assert 1 == len(world.engine.passes)

    world.cache.drop(REQUESTS, world.cache.body(REQUESTS, NAMESPACE, "first") or {})
    await world.turn("second")
    assert ("True", "Approved") == world.standing("Approved", "second")
    assert [] == world.parts.memories.awaiting_room(NAMESPACE)


async def test_a_budget_is_waited_for_in_the_same_way() -> None:
    """Under its own reason: money is another office's to give."""
    world = await two_that_fit_one_by_one(
        monthlyBudgetYuan=1000, quotas=[{"zone": EXTRANET, "servers": 50, "vcpus": 50, "memoryGiB": 500}]
    )
    for name in ("first", "second"):
        await world.turn(name)

    assert ("False", "BudgetExceeded") == world.standing("Approved", "second")
    assert "needs 540 yuan a month, 460 left of a budget of 1000; request first holds 540" in message_of(
        world, "second"
    )


async def test_a_plan_holds_its_part_before_its_status_is_heard_of() -> None:
    """What this process has let come into force counts at once, also while the cache still shows the status before."""
    world = await two_that_fit_one_by_one()
    before = world.status("first")
    await world.turn("first")
    body = dict(world.cache.body(REQUESTS, NAMESPACE, "first") or {})
    world.cache.keep(REQUESTS, versioned({**body, "status": before}))
    await world.turn("second")

    assert ("False", "QuotaExceeded") == world.standing("Approved", "second")


async def test_what_is_only_planned_holds_nothing() -> None:
    """Whoever is approved first comes first, whoever asked first."""
    world = World()
    for name in ("first", "second"):
        world.ask(a_spec(servers=[a_server(count=6)]), name=name)
        await world.turn(name)
    world.approve("second")
    await world.turn("second")

    assert ("True", "Approved") == world.standing("Approved", "second")


async def test_a_plan_that_grows_waits_while_the_one_before_stays_in_force() -> None:
    """Both of its plans are its own: only what it needs beyond the other requests counts."""
    world = await two_that_fit_one_by_one()
    await world.turn("first")
    in_force = world.status("first")["approvedPlan"]
    world.ask(a_spec(servers=[a_server(count=3)]), name="second", generation=2)
    for step in (world.turn, approve_then_turn(world)):
        await step("second")
    world.ask(a_spec(servers=[a_server(count=8)]), name="first", generation=2)
    await world.turn("first")
    await approve_then_turn(world)("first")

    assert in_force == world.status("first")["approvedPlan"]
    assert "needs 8 servers, 7 left of 10" in message_of(world, "first")


def approve_then_turn(world: World) -> Any:
    async def step(name: str) -> None:
        world.approve(name)
        await world.turn(name)

    return step


def message_of(world: World, name: str) -> str:
    conditions = world.status(name)["conditions"]
    return str(next(item["message"] for item in conditions if item["type"] == "Approved"))


async def test_whoever_lets_go_wakes_those_who_wait() -> None:
    """A request that is gone, or has been built smaller; nobody else's progress wakes anybody."""
    world = await two_that_fit_one_by_one()
    for name in ("first", "second", "first"):
        await world.turn(name)
    operator = Operator(world.parts, Path("ready"))
    settled = world.cache.body(REQUESTS, NAMESPACE, "first") or {}
    building = {**settled, "status": {**settled["status"], "builtPlan": None}}

    assert (True, False) == (frees_room(settled), frees_room(building))
    operator.heard(REQUESTS, {"type": "DELETED", "object": settled})
    await asyncio.sleep(0.01)
    await operator.queue.stop()
    assert ("True", "Approved") == world.standing("Approved", "second")
