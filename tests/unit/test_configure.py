"""The chapter of configuring, with a configurator that remembers what it was told."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from controllers.api.stored import SYSTEMS
from controllers.request.roles import Playbooks
from infra.errors import GuestUnreachable, KunlunError, PlaybookFailed
from tests.build import a_server, a_spec, a_system
from tests.unit.world import UID, World

WEB = {"servers": [a_server(roles=["web"])]}


async def configured(world: World, **spec: object) -> None:
    world.ask(a_spec(**(WEB | spec)))
    await world.turn()
    world.approve()
    await world.turn()
    await world.turn()


async def test_guests_are_configured_once_they_are_built_and_not_again() -> None:
    """A settled request runs nothing, and writes nothing."""
    world = World()
    await configured(world)
    writes = len(world.cluster.statuses)
    await world.turn()

    assert ("True", "Configured") == world.standing("Configured") and ("True", "Ready") == world.standing()
    assert [2] == [len(run.guests) for run in world.configurator.runs]
    assert writes == len(world.cluster.statuses)


async def test_a_request_without_roles_looks_nowhere_else_and_runs_nothing() -> None:
    """Not one call more than before there were roles."""
    world = World()
    await world.built()

    assert [] == world.configurator.runs
    assert 0 == world.surveys.looks
    assert None is world.status().get("configured")


@pytest.mark.parametrize("failure", [PlaybookFailed("task 'Serve' failed on web-0"), GuestUnreachable("no answer")])
async def test_what_went_wrong_is_said_and_tried_again_later(failure: KunlunError) -> None:
    """Not at once, however often somebody knocks; and then it is done."""
    world = World()
    world.configurator.failure = failure
    await configured(world)
    await world.turn()
    said, runs = world.standing("Configured"), len(world.configurator.runs)
    world.parts.memories.of(UID).next_look = math.inf  # the cloud is another matter
    world.clock, world.configurator.failure = world.clock + 100, None
    await world.turn()

    assert ("False", failure.reason) == said and 1 == runs
    assert ("True", "Configured") == world.standing("Configured")


async def test_a_failed_playbook_leaves_what_is_provisioned_alone() -> None:
    """The cloud is as approved; somebody has to act on the role."""
    world = World()
    world.configurator.failure = PlaybookFailed("task 'Serve' failed on web-0")
    await configured(world)

    assert ("True", "Provisioned") == world.standing("Provisioned")
    assert ("True", "PlaybookFailed") == world.standing("Stalled")


async def test_another_protection_level_configures_anew() -> None:
    """The registry says the level; the plan need not change."""
    world = World()
    await configured(world)
    world.keep(SYSTEMS, "permit-portal", a_system(protectionLevel=4))
    await world.turn()

    assert [2, 4] == [run.protection_level for run in world.configurator.runs]


@pytest.mark.parametrize(("policy", "runs"), [("Report", 1), ("Correct", 2)])
async def test_roles_that_changed_are_applied_or_reported_as_the_request_says(
    policy: str, runs: int, tmp_path: Path
) -> None:
    """A new release does not touch running servers unless that was asked for; it says what it would do."""
    world = World()
    await configured(world, driftPolicy=policy)
    (tmp_path / "roles/web/tasks").mkdir(parents=True)
    for file in ("site.yml", "ansible.cfg", "roles/web/tasks/main.yml"):
        (tmp_path / file).write_text("[]")
    world.configurator.playbooks = Playbooks(tmp_path)
    await world.turn()
    message = next(item["message"] for item in world.status()["conditions"] if item["type"] == "Configured")

    assert runs == len(world.configurator.runs)
    assert (policy == "Report") == ("the roles have changed since" in message)


async def test_the_operators_address_is_looked_for_once_a_plan_needs_it() -> None:
    """What the cloud has in the management network is not given out again."""
    world = World()
    world.surveys.managed = ["198.18.0.16"]
    await configured(world)

    assert ["198.18.0.17"] == [run.gateway for run in world.configurator.runs]


async def test_a_request_that_is_deleted_forgets_its_guests() -> None:
    """Removal does not configure anything first."""
    world = World()
    await configured(world)
    world.ask(a_spec(**WEB), deletionTimestamp="2026-01-01T00:00:00Z")
    await world.turn()

    assert 1 == len(world.configurator.runs)
    assert [set()] == world.engine.removed
