"""Waiting for servers: a cheap question again and again, and a look at them when it matters."""

from __future__ import annotations

from controllers.request.servers import UNSEEN_SECONDS
from tests.unit.world import World


async def a_waiting_world() -> World:
    """The request has its servers, and Nova is still building them."""
    world = World()
    world.surveys.new_status = "BUILD"
    world.ask()
    await world.turn()
    world.approve()
    await world.turn()
    await world.turn()
    world.surveys.asked.clear()
    return world


def become(world: World, *statuses: str) -> None:
    for raw, status in zip(world.surveys.servers_of, statuses, strict=True):
        raw |= {"status": status, "fault": {"message": "No valid host was found."}}


async def test_servers_are_not_looked_at_while_they_build() -> None:
    """Of a look Nova's own questions to Neutron are the greater part."""
    world = await a_waiting_world()
    for _ in range(3):
        await world.turn()

    assert ["building"] * 3 == world.surveys.asked
    assert ("False", "AwaitingServers") == world.standing("Provisioned")
    assert "waiting for server-web-0, server-web-1" in world.message("Provisioned")


async def test_one_look_tells_that_all_are_built() -> None:
    """What nobody builds any more need not be well: its status is read."""
    world = await a_waiting_world()
    become(world, "ACTIVE", "ACTIVE")
    await world.turn()

    assert ["building", "servers"] == world.surveys.asked[:2]
    assert ("True", "Provisioned") == world.standing("Provisioned")


async def test_a_server_in_error_is_told_of_although_another_one_builds_on() -> None:
    """After a moment, and not at the end of the whole build."""
    world = await a_waiting_world()
    become(world, "ERROR", "BUILD")
    await world.turn()
    before = world.standing("Provisioned")
    world.clock += UNSEEN_SECONDS + 1
    await world.turn()

    assert ("False", "AwaitingServers") == before
    assert "No valid host was found." in world.message("Provisioned")


async def test_a_wait_is_bounded_although_nobody_looks() -> None:
    """It is said for how long, and which servers."""
    world = await a_waiting_world()
    world.clock += world.parts.settings.build_deadline_seconds + 1
    await world.turn()

    assert "still not built after" in world.message("Provisioned")
