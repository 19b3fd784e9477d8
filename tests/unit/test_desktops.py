"""Desktops through whole passes: batches, failures, rest, and what the status tells of each."""

from __future__ import annotations

from typing import Any

from controllers.api.desktopsession import DesktopSessionSpec
from controllers.api.resourcerequest import ResourceRequestSpec
from controllers.api.stored import SESSIONS, ZONES
from infra.errors import GuestUnreachable
from tests.build import a_desktop, a_spec, a_zone, resolved
from tests.unit.whole_world import WholeWorld

LATER = "2026-01-01T08:00:00Z"


def desktops(**fields: Any) -> ResourceRequestSpec:
    """Six desktops, two at a time, the first of them for li.na; nothing besides."""
    wanted = {"count": 6, "batchSize": 2, "users": ["li.na"]} | fields
    return a_spec(servers=[], flows=[], desktops=[a_desktop(**wanted)])


async def asked(world: WholeWorld, **fields: Any) -> None:
    world.ask(desktops(**fields))
    await world.turn()
    world.approve()


async def settled(world: WholeWorld, **fields: Any) -> None:
    """All of them made and configured."""
    await asked(world, **fields)
    for _ in range(4):
        await world.turn()
    assert ("RRRRRR", ("True", "Ready")) == (states(world), world.standing())


def states(world: WholeWorld) -> str:
    """A letter for each desktop: Waiting, Building, Running, Stopped, Failed."""
    return "".join(one["state"][0] for one in world.status().get("desktops", ()))


def message(world: WholeWorld, condition: str) -> str:
    found = next(item for item in world.status()["conditions"] if item["type"] == condition)
    return str(found["message"])


async def test_a_rollout_goes_batch_by_batch_and_is_configured_at_its_end() -> None:
    """Each pass of the engine is one batch more; the playbook comes when all are there."""
    world, seen = WholeWorld(), []
    await asked(world)
    for _ in range(4):
        await world.turn()
        seen.append((states(world), *world.standing("Provisioned")))

    assert [
        ("RRWWWW", "False", "RollingOut"),
        ("RRRRWW", "False", "RollingOut"),
        ("RRRRRR", "True", "Provisioned"),
        ("RRRRRR", "True", "Provisioned"),
    ] == seen
    assert 3 == world.builder.passes
    assert [6] == [len(run.guests) for run in world.configurator.runs]


async def test_a_settled_request_with_desktops_writes_and_asks_nothing() -> None:
    """Neither OpenStack nor the API server hears of it."""
    world = WholeWorld()
    await settled(world)
    writes, calls = len(world.cluster.statuses), len(world.cloud.reads)
    await world.turn()

    assert (writes, calls) == (len(world.cluster.statuses), len(world.cloud.reads))


async def test_more_failures_than_the_budget_stop_the_rollout() -> None:
    """Those that never started are built anew a few times; then no further batch is begun, and the reason says so."""
    world = WholeWorld()
    await asked(world, failureBudget=1)
    await world.turn()
    world.cloud.fault = {"message": "no disk"}
    for _ in range(12):
        world.clock += 400
        await world.turn()

    assert ("False", "RolloutStopped") == world.standing("Provisioned")
    assert "the roll-out of counter stopped at 4 of 6: 2 failed, at most 1 may" in message(world, "Provisioned")
    assert "RRFFWW" == states(world)


async def test_failures_within_the_budget_stop_nothing() -> None:
    """The failed ones are told, everybody else is served, and nobody waits to configure them."""
    world = WholeWorld()
    await asked(world, failureBudget=2)
    await world.turn()
    world.cloud.fault = {"message": "no disk"}
    await world.turn()
    world.cloud.fault = None
    await world.turn()
    await world.turn()

    assert ("RRFFRR", ("True", "Ready")) == (states(world), world.standing())
    assert [4] == [len(run.guests) for run in world.configurator.runs]


async def test_a_desktop_rests_and_is_started_for_its_user() -> None:
    """Hours later everybody has gone home; then li.na comes."""
    world = WholeWorld()
    await settled(world)
    world.today = LATER
    await world.turn()
    resting = states(world)
    wish = DesktopSessionSpec(request="permit-portal", user="li.na", key="0" * 64)
    world.keep(SESSIONS, "s", wish, creationTimestamp=LATER)
    await world.turn()

    assert ("SSSSSS", "RSSSSS") == (resting, states(world))
    assert ("True", "Ready") == world.standing()
    assert 1 == len(world.configurator.runs)


async def test_who_has_no_desktop_starts_none() -> None:
    """Asking costs nothing and moves nothing."""
    world = WholeWorld()
    await settled(world)
    world.today = LATER
    await world.turn()
    wish = DesktopSessionSpec(request="permit-portal", user="zhou.qi", key="0" * 64)
    world.keep(SESSIONS, "s", wish, creationTimestamp=LATER)
    await world.turn()

    assert "SSSSSS" == states(world)


async def test_desktops_are_woken_for_a_playbook() -> None:
    """The zone's rules have changed: what rests cannot be told of it."""
    world = WholeWorld()
    await settled(world)
    world.today = LATER
    await world.turn()
    zone = a_zone(desktopRules={"clipboard": "Both"})
    world.keep(ZONES, "extranet", zone, status=resolved(zone), namespace="")
    world.configurator.failure = GuestUnreachable("no answer")
    await world.turn()

    assert "RRRRRR" == states(world)
    assert ("False", "GuestUnreachable") == world.standing("Configured")
