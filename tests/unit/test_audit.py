"""The continuous audit: told once, within the projects' turns, and nothing done about it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

import controllers.audit.reconcile as audit
import controllers.zone.reconcile as zones
from controllers.api.stored import PLANS, ZONES
from infra.errors import CloudUnavailable
from infra.planned import planned_objects
from infra.provider.observe import ProjectListing
from infra.stackplan import Kind, marker
from tests.build import NAMESPACE
from tests.unit.test_zone import SilentClouds
from tests.unit.world import UID, World

INTERVAL = 300.0
SPOOFING = {"id": "port-7", "name": "printer", "device_owner": "compute:nova", "port_security_enabled": False}


async def turn(world: World) -> float | None:
    """The next turn of the project, and what the pass wants."""
    world.clock += INTERVAL
    return await passed(world)


async def passed(world: World) -> float | None:
    zone = world.cache.get(ZONES, "", "extranet")
    assert zone is not None
    return await audit.reconcile(zone, world.parts)


def shows(world: World, **raw: Any) -> None:
    """The project has one port that nobody planned."""
    port = {**SPOOFING, "network_id": "n", "fixed_ips": [], "device_id": "", **raw}
    world.surveys.by_hand = ProjectListing({Kind.PORT: [port]})


def standing(world: World) -> tuple[str, str, str]:
    conditions = (world.cache.body(ZONES, "", "extranet") or {})["status"]["conditions"]
    found = next(item for item in conditions if item["type"] == "Contained")
    return found["status"], found["reason"], found["message"]


def warnings(world: World) -> list[tuple[str, str]]:
    """(kind concerned, message) of every security event."""
    return [
        (event["involvedObject"]["kind"], event["message"])
        for event in world.cluster.events
        if (event["type"], event["reason"]) == ("Warning", "SecurityViolation")
    ]


async def test_a_project_is_looked_at_in_its_turn_and_not_before() -> None:
    """Within one interval of the first pass; a pass in between costs nothing."""
    world = World()
    wait = await passed(world)

    assert wait is not None and 0 < wait <= INTERVAL + audit.AFTER_THE_REQUESTS_SECONDS
    assert (0, []) == (world.surveys.looks, world.cluster.statuses)
    await turn(world)
    assert ("True", "Contained", "nothing leads out of the zone: 1 projects") == standing(world)
    assert 1 == world.surveys.looks


async def test_what_leads_out_is_told_once_and_until_it_is_gone() -> None:
    """One event for each finding, on the zone when it is nobody's; the condition stays as long as the finding does."""
    world = World()
    await passed(world)
    shows(world)
    await turn(world)
    await turn(world)
    told, writes = standing(world), len(world.cluster.statuses)
    world.surveys.by_hand = ProjectListing({})
    await turn(world)

    what = "Port port-7 has port security off (project civil-affairs-extranet)"
    assert [("Zone", what)] == warnings(world)
    assert ("False", "SecurityViolation", what) == told
    assert 1 == writes, "the second look wrote nothing"
    assert "True" == standing(world)[0]


async def test_what_bears_a_requests_mark_is_told_on_the_request() -> None:
    """Whoever reads the request's events learns of it."""
    world = World()
    await world.built()
    await passed(world)
    shows(world, description=marker(UID, "port-web-0", "0" * 12))
    await turn(world)

    assert ["ResourceRequest"] == [kind for kind, _ in warnings(world)]


async def test_a_cloud_that_cannot_be_listed_changes_nothing() -> None:
    """Not having seen it is no reason to doubt it, nor to believe it; it is tried again soon."""
    world = World()
    await passed(world)
    shows(world)
    await turn(world)
    world.surveys.failure = CloudUnavailable("OpenStack does not answer")
    wait = await turn(world)

    assert (audit.RETRY_SECONDS, "False") == (wait, standing(world)[0])


async def test_what_was_opened_by_hand_is_a_security_event_on_the_request_and_on_its_zone() -> None:
    """The request's own look finds it; later looks do not repeat it, and the zone says it until it is closed."""
    world = World()
    plan = world.cache.get(PLANS, NAMESPACE, await world.built())
    assert plan is not None
    item = planned_objects(plan.spec.stack)["port-web-0"]
    mark = marker(UID, item.name, item.fingerprint)
    shows(world, name=item.inputs["name"], port_security_enabled=True, description=mark, security_groups=["mine"])
    for _ in range(2):
        world.clock += INTERVAL
        await world.turn()
    await passed(world)
    await turn(world)

    assert [("ResourceRequest", True)] == [(kind, "groups is mine" in what) for kind, what in warnings(world)]
    assert ("False", "SecurityViolation") == standing(world)[:2]
    assert "civil-affairs/permit-portal: Port port-web-0 is changed" in standing(world)[2]


async def test_a_zone_that_was_looked_up_keeps_what_the_audit_says() -> None:
    """Two reconciles write one status; neither takes back the other's word."""
    world = World()
    await passed(world)
    await turn(world)
    zone = world.cache.get(ZONES, "", "extranet")
    assert zone is not None
    with pytest.raises(CloudUnavailable):
        await zones.reconcile(zone, replace(world.parts, clouds=cast(Any, SilentClouds())))
    body = world.cache.body(ZONES, "", "extranet") or {}

    assert {"Ready": "False", "Contained": "True"} == {
        item["type"]: item["status"] for item in body["status"]["conditions"]
    }
    assert "uplink-1" == body["status"]["uplinkId"]
