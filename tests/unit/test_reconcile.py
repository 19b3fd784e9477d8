"""The story as one pass tells it: what is built when, what is said, and what is never done."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.api import FINALIZER
from controllers.api.stored import PLANS, REQUESTS, TENANTS, ZONES
from controllers.request.withdraw import discarded_volumes
from infra.errors import CloudUnavailable, RateLimited, StatusUnreadable
from infra.stackplan import Kind as CloudKind
from tests.build import (
    NAMESPACE,
    a_content,
    a_flow,
    a_plan,
    a_server,
    a_spec,
    a_tenant,
    a_zone,
    permitted,
    resolved,
)
from tests.unit.world import World, versioned


async def test_nothing_is_built_without_an_approval() -> None:
    """However often the request is looked at."""
    world = World()
    world.ask()
    for _ in range(3):
        await world.turn()

    assert [] == world.engine.passes
    assert ("False", "AwaitingApproval") == world.standing()


async def test_nothing_is_built_on_the_word_of_somebody_who_may_not_decide() -> None:
    """The right is asked for again at the moment it counts."""
    world = World()
    world.cluster.entitled = False
    world.ask()
    await world.turn()
    world.approve()
    await world.turn()

    assert [] == world.engine.passes
    assert "may not decide stage" in str(world.status()["conditions"])


async def test_the_intent_is_written_before_the_engine_is_called() -> None:
    """A first build looks nothing up, because without the mark nothing can exist."""
    world = World()
    plan = await world.built()

    assert [(plan, False)] == world.engine.passes
    assert ("True", "Ready") == world.standing()


async def test_a_settled_pass_writes_nothing_and_calls_nobody() -> None:
    """Also after a restart, when nothing is remembered."""
    world = World()
    await world.built()
    writes, looks = len(world.cluster.statuses), world.surveys.looks
    await world.turn()
    world.parts.memories.by_uid.clear()
    await world.turn()

    assert (writes, looks, 1) == (len(world.cluster.statuses), world.surveys.looks, len(world.engine.passes))


async def test_a_failed_build_keeps_its_intent_and_looks_before_it_tries_again() -> None:
    """An intent is never taken back: something may exist."""
    world = World()
    world.ask()
    await world.turn()
    plan = world.approve()
    world.engine.failure = CloudUnavailable("down", retry_after_seconds=7)

    assert 7 == await world.turn()
    assert plan == world.status()["buildingPlan"]
    world.clock += 8
    await world.turn()
    assert [(plan, False), (plan, True)] == world.engine.passes


async def test_a_failed_build_rests_however_often_it_is_woken() -> None:
    """Its own status writes come back as events; they must not make it run again at once, for ever."""
    world = World()
    world.ask()
    await world.turn()
    world.approve()
    world.engine.failure = CloudUnavailable("down", retry_after_seconds=7)
    await world.turn()
    writes = len(world.cluster.statuses)
    for _ in range(5):
        assert 7 >= (await world.turn() or 99)

    assert (1, writes) == (len(world.engine.passes), len(world.cluster.statuses))


async def test_a_failed_look_is_no_drift() -> None:
    """Not having seen it is no reason to doubt it."""
    world = World()
    await world.built()
    world.clock += 1000
    world.surveys.failure = CloudUnavailable("down")
    await world.turn()

    assert ("True", "Ready") == world.standing()


async def test_a_failed_look_is_repeated_when_the_cloud_says_so() -> None:
    """Not every second: whoever is asked to wait, waits."""
    world = World()
    await world.built()
    world.clock += 1000
    world.surveys.failure = RateLimited("slowly", retry_after_seconds=60)

    assert 59 < (await world.turn() or 0) <= 60


async def test_drift_is_reported_and_nothing_is_built_for_it() -> None:
    """The default policy: say it. (The fake cloud shows servers only, so all else is missing.)"""
    world = World()
    await world.built()
    world.clock += 1000
    await world.turn()

    assert ("False", "Drifted") == world.standing()
    assert 1 == len(world.engine.passes)


async def test_a_newer_spec_that_is_not_allowed_leaves_the_plan_in_force_alone() -> None:
    """Its faults are said; what was approved stays built and watched."""
    world = World()
    plan = await world.built()
    world.ask(a_spec(servers=[a_server(image="windows-95")]), generation=2)
    await world.turn()

    assert ("False", "PolicyViolated") == world.standing()
    assert ("True", "Provisioned") == world.standing("Provisioned")
    assert plan == world.status()["approvedPlan"]


async def test_what_was_approved_is_not_judged_by_a_lower_quota() -> None:
    """A budget that is cut later is no reason to call a built request a violation; a new request is one."""
    world = World()
    await world.built()
    tenant = world.cache.get(TENANTS, "", "civil-affairs")
    assert tenant is not None
    world.keep(TENANTS, "civil-affairs", a_tenant(monthlyBudgetYuan=1), status=tenant.status, namespace="")
    await world.turn()
    world.ask(name="newcomer")
    await world.turn("newcomer")

    assert ("True", "Ready") == world.standing()
    assert ("False", "PolicyViolated") == world.standing(name="newcomer")


@pytest.mark.parametrize(
    ("withdrawn", "said"),
    [
        pytest.param({"images": []}, "spec.servers[0].image: no image 'debian-12'", id="an image"),
        pytest.param({"flows": []}, "spec.flows[0].from: zone 'extranet' permits no tcp/443", id="a flow"),
        pytest.param(
            {"prefixes": ["10.99.0.0/16"], "reservedPrefixes": [], "flows": [permitted(cidr="10.0.0.0/8")]},
            "spec.networks: network app has 10.10.1.0/28, which is not of zone 'extranet' any more",
            id="a prefix",
        ),
    ],
)
async def test_what_its_zone_permits_no_more_is_said_and_stays(withdrawn: dict[str, Any], said: str) -> None:
    """Compliant is False, with an event; the plan in force stays approved and provisioned, and is watched."""
    world = World()
    plan = await world.built()
    world.keep(ZONES, "extranet", a_zone(**withdrawn), status=resolved(a_zone()), namespace="")
    world.clock += 1000
    looks = world.surveys.looks
    await world.turn()
    told = next(item["message"] for item in world.status()["conditions"] if item["type"] == "Compliant")

    assert ("False", "PolicyViolated") == world.standing("Compliant") == world.standing()
    assert f"in force, and not permitted any more: {said}" in told
    assert ("True", "Approved") == world.standing("Approved")
    assert (plan, plan) == (world.status()["approvedPlan"], world.status()["plan"])
    assert world.surveys.looks > looks
    assert 1 == len(world.engine.passes)
    assert "PolicyViolated" in {event["reason"] for event in world.cluster.events if event["type"] == "Warning"}


async def test_what_its_zone_permits_again_is_ready_again() -> None:
    """Nothing has to be approved anew."""
    world = World()
    await world.built()
    for zone in (a_zone(images=[]), a_zone()):
        world.keep(ZONES, "extranet", zone, status=resolved(a_zone()), namespace="")
        await world.turn()

    assert ("True", "Ready") == world.standing()


async def test_requests_never_get_overlapping_prefixes() -> None:
    """Plans that are not built yet have their prefixes, too."""
    world = World()
    for name in ("first", "second"):
        world.ask(a_spec(servers=[a_server(count=1)]), name=name)
        await world.turn(name)

    assert 2 == len({plan.spec.stack.networks[0].cidr for plan in world.cache.all(PLANS)})


async def test_a_withdrawn_request_goes_only_when_everything_is_gone() -> None:
    """A failure is said and keeps the finalizer; success drops it."""
    world = World()
    await world.built()
    world.ask(deletionTimestamp="2026-01-02T00:00:00Z")
    world.engine.failure = CloudUnavailable("down")
    await world.turn()

    assert [] == world.cluster.finalizers
    assert ("False", "Deleting") == world.standing()
    world.engine.failure = None
    await world.turn()
    assert [] == world.cluster.finalizers, "it rests after the failure"
    world.clock += 60
    await world.turn()
    assert [[]] == world.cluster.finalizers


async def test_only_the_plan_in_force_says_which_data_goes() -> None:
    """A spec nobody approved destroys nothing."""
    world = World()
    kept = [{"name": "data", "sizeGiB": 1}, {"name": "cache", "sizeGiB": 1, "onDelete": "Delete"}]
    world.ask(a_spec(servers=[a_server(count=1, volumes=kept)]))
    await world.turn()
    world.approve()
    await world.turn()
    unapproved = a_spec(servers=[a_server(count=1)], flows=[a_flow(ports=["tcp/1"])])
    world.ask(unapproved, generation=2, deletionTimestamp="2026-01-02T00:00:00Z")
    await world.turn()

    assert [{"volume-web-0.cache"}] == world.engine.removed


async def test_a_removal_is_told_what_the_status_says_was_built() -> None:
    """So that a list which leaves it out is not believed."""
    world = World()
    await world.built()
    world.ask(deletionTimestamp="2026-01-02T00:00:00Z")
    world.clock += 1000
    await world.turn()

    assert CloudKind.SERVER == world.engine.expected["id-server-web-0"]


def test_a_signed_deletion_that_was_cut_off_is_done_with_the_request() -> None:
    """The plan in force does not name the volume any more, but its removals do."""
    volume = {"name": "cache", "sizeGiB": 1, "onDelete": "Delete"}
    before = a_content(a_spec(servers=[a_server(count=1, volumes=[volume])]))
    after = a_content(a_spec(servers=[a_server(count=1)]), in_force=before.stack, generation=2)

    assert {"volume-web-0.cache"} == discarded_volumes(a_plan(after))
    assert set() == discarded_volumes(None)


async def test_an_unreadable_status_is_not_taken_for_an_empty_one() -> None:
    """An empty status would say that nothing was ever built."""
    world = World()
    plan = await world.built()
    body = dict(world.cache.body(REQUESTS, NAMESPACE, "permit-portal") or {})
    world.cache.keep(REQUESTS, versioned({**body, "status": {"plan": 7}}))

    with pytest.raises(StatusUnreadable):
        await world.turn()
    assert [(plan, False)] == world.engine.passes


async def test_a_bug_is_told_to_the_requester_and_to_the_queue() -> None:
    """The queue logs and repeats; the request says that something is wrong."""
    world = World()
    world.ask()
    await world.turn()
    world.approve()
    world.engine.failure = KeyError("a bug")

    with pytest.raises(KeyError):
        await world.turn()
    assert ("False", "InternalError") == world.standing()


async def test_a_request_without_finalizer_gets_it_before_anything_else() -> None:
    """Nothing can be left behind from then on."""
    world = World()
    world.ask(finalizers=[])
    await world.turn()

    assert [[FINALIZER]] == world.cluster.finalizers
