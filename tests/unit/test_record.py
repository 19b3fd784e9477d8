"""The record of decisions: nothing is lost, nothing is doubled, and nothing comes into force unrecorded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controllers.api.stored import APPROVALS, PLANS, REQUESTS, TENANTS
from tests.build import NAMESPACE, a_spec, a_tenant, an_approval
from tests.unit.cli_stage import a_stage
from tests.unit.world import World, versioned


def lines(world: World) -> list[tuple[str, str | None, bool]]:
    return [(line["outcome"], line.get("approver"), line["counted"]) for line in world.cluster.record.values()]


def told(world: World) -> list[str]:
    """Names of the Events about the officer's decisions."""
    return [event["metadata"]["name"] for event in world.cluster.events if "by zhang.wei for" in event["message"]]


def decide(world: World, uid: str, **fields: Any) -> None:
    """Somebody decides on the newest plan."""
    plan = world.cache.get(PLANS, NAMESPACE, world.status()["plan"])
    assert plan is not None
    world.keep(APPROVALS, f"approval-{uid}", an_approval(plan, **fields).spec, uid=uid)


async def test_a_decision_and_what_came_of_it_are_recorded_once() -> None:
    """However often the request is looked at; a settled one writes nothing."""
    world = World()
    world.ask()
    await world.turn()
    decide(world, "a-1")
    for _ in range(2):
        await world.turn()
    writes = len(world.cluster.statuses)
    for _ in range(3):
        await world.turn()

    assert [("Approved", "zhang.wei", True), ("InForce", None, True)] == lines(world)
    assert "resource-office by zhang.wei" == list(world.cluster.record.values())[1]["note"]
    assert ["permit-portal.a-1"] == told(world)
    assert writes == len(world.cluster.statuses)


async def test_a_line_says_what_was_signed_by_whom_for_whom() -> None:
    """Everything needed to read it when plan and request are gone."""
    world = World()
    world.ask()
    await world.turn()
    decide(world, "a-1", decision="Denied", reason="too large")
    await world.turn()
    plan = world.cache.get(PLANS, NAMESPACE, world.status()["plan"])
    assert plan is not None

    assert {
        "request": "permit-portal",
        "requestUid": "uid-1",
        "requestedBy": "li.na",
        "plan": plan.meta.name,
        "digest": plan.spec.digest,
        "summary": "10 to create; 180 yuan a month",
        "outcome": "Denied",
        "stage": "resource-office",
        "approver": "zhang.wei",
        "reason": "too large",
        "approval": "approval-a-1",
        "decidedAt": "2026-01-01T00:00:00Z",
        "counted": True,
        "note": "",
    } == world.cluster.record["approval-a-1"]
    assert any("Denied by zhang.wei for stage resource-office" in event["message"] for event in world.cluster.events)


async def test_what_does_not_count_is_recorded_with_the_reason() -> None:
    """An attempt is a decision, too."""
    world = World()
    world.ask()
    await world.turn()
    decide(world, "a-1", approver="li.na")
    await world.turn()

    assert [("Approved", "li.na", False)] == lines(world)
    assert "is by the requester 'li.na'" == world.cluster.record["approval-a-1"]["note"]


async def test_a_crash_between_recording_and_saying_so_adds_nothing() -> None:
    """The line has the name of what it records; the next pass finds it there."""
    world = World()
    world.ask()
    await world.turn()
    before = world.status()
    decide(world, "a-1")
    await world.turn()
    body = dict(world.cache.body(REQUESTS, NAMESPACE, "permit-portal") or {})
    world.cache.keep(REQUESTS, versioned({**body, "status": before}))  # as if the status had never been written
    await world.turn()

    assert [("Approved", "zhang.wei", True), ("InForce", None, True)] == lines(world)
    assert {"permit-portal.a-1"} == set(told(world)), "the API server keeps one of a name"


async def test_what_was_lost_is_added_later() -> None:
    """A decision that came after the last look, or in a gap, is missing in the fingerprint."""
    world = World()
    await world.built()
    decide(world, "a-late", approver="wu.lei")
    await world.turn()

    assert ("Approved", "wu.lei", True) in lines(world)


async def test_nothing_comes_into_force_that_cannot_be_recorded() -> None:
    """Where the kind is not served the plan waits; nothing is built."""
    world = World()
    world.cluster.unserved = True
    world.ask()
    await world.turn()
    world.approve()
    await world.turn()

    assert [] == world.engine.passes
    assert ("False", "ClusterUnavailable") == world.standing("Approved")
    world.cluster.unserved = False
    await world.turn()
    assert ("True", "Approved") == world.standing("Approved")


async def test_what_policy_approves_is_recorded_as_such() -> None:
    """Nobody's name stands under it."""
    world = World()
    status = {"projects": [{"zone": "extranet", "id": "project-1", "name": "civil-affairs-extranet"}]}
    world.keep(TENANTS, "civil-affairs", a_tenant(monthlyTestBudgetYuan=200), status=status, namespace="")
    world.ask(a_spec(environment="Test"))
    await world.turn()
    await world.turn()

    assert [("InForce", None, True)] == lines(world)
    assert next(iter(world.cluster.record.values()))["note"].startswith("by policy: A small test")


def test_the_record_is_read_by_the_name_of_the_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Oldest first; text that somebody typed cannot act on the terminal."""
    stage = a_stage(tmp_path, monkeypatch)
    what = {"plan": "r-1", "digest": "d", "summary": "3 to create"}
    line = {"request": "r", "requestUid": "u", "requestedBy": "li.na", **what}
    who = {"stage": "security", "approver": "chen", "reason": "\x1b[2J", "decidedAt": "2026-01-01T00:00:01Z"}
    approved = {**line, **who, "outcome": "Approved", "counted": False, "note": "came early"}
    in_force = {**line, "outcome": "InForce", "note": "resource-office by zhang"}
    at = {"creationTimestamp": "2026-01-01T00:00:01Z"}
    stage.has("selected", {"items": [{"metadata": at, "spec": in_force}, {"metadata": at, "spec": approved}]})
    output = stage.run("decisions", "r").output

    assert "Approved, not counted   security   chen" in output and "came early" in output
    assert output.index("chen") < output.index("InForce")
    assert "resource-office by zhang; 3 to create" in output and "\x1b" not in output
    stage.has("selected", {"items": []})
    assert 1 == stage.run("decisions", "r").exit_code
