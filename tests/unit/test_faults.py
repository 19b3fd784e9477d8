"""Servers in ERROR and used-up quota: what is tried again, how often, and what people are told."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.api.resourcerequest import ResourceRequestSpec
from controllers.request.faults import verdict
from infra.errors import KunlunError, QuotaExceeded, ReplacingServer, ServerFault
from infra.provider.observed import ObservedObject
from infra.stackplan import Kind
from tests.build import a_flow, a_spec
from tests.build import a_server as a_server_block
from tests.unit.whole_world import WholeWorld

NO_HOST = {"message": "No valid host was found. There are not enough hosts available.", "code": 500}
BROKEN = {"message": "Exceeded maximum number of retries.", "code": 500}
LATE_QUOTA = {"message": "Quota exceeded for cores: Requested 1, but already used 1 of 1 cores", "code": 403}
SMALL = {"flavor": {"vcpus": 4, "ram": 2048, "disk": 20}}


def stillborn(fault: dict[str, Any]) -> dict[str, Any]:
    return {"status": "ERROR", "fault": fault, "OS-SRV-USG:launched_at": None}


def a_server(fault: dict[str, Any], **raw: Any) -> ObservedObject:
    raw = stillborn(fault) | raw
    return ObservedObject(
        Kind.SERVER, "s", "server-web-0", "f", {}, status=raw["status"], fault=fault["message"], raw=raw
    )


async def a_build(world: WholeWorld) -> None:
    """Asked for, approved, and one pass."""
    world.ask()
    await world.turn()
    world.approve()
    await world.turn()


def message(world: WholeWorld) -> str:
    return str(next(item for item in world.status()["conditions"] if item["type"] == "Provisioned")["message"])


@pytest.mark.parametrize(
    ("server", "replaced", "expected", "told"),
    [
        (a_server(BROKEN), 0, ReplacingServer, "built anew in 10 s (1 of 3)"),
        (a_server(BROKEN), 2, ReplacingServer, "built anew in 90 s (3 of 3)"),
        (a_server(BROKEN), 3, ServerFault, "Built anew 3 times without success"),
        (a_server(BROKEN, **{"OS-SRV-USG:launched_at": "2026-01-01"}), 0, ServerFault, "may hold data"),
        (a_server(NO_HOST), 3, QuotaExceeded, "tried again when there is room"),
        (a_server(LATE_QUOTA), 3, QuotaExceeded, "tried again when there is room"),
        (a_server(BROKEN, status="ACTIVE"), 0, type(None), ""),
        (a_server({"message": "x" * 1400}), 3, ServerFault, "then delete the server there"),
    ],
    ids=["first", "third", "bound", "ran before", "no room", "late quota", "no fault", "long"],
)
def test_what_becomes_of_a_server_in_error(
    server: ObservedObject, replaced: int, expected: type[KunlunError], told: str
) -> None:
    """Replaced three times if it never started, never if it ran; Nova's own words are always told."""
    fault = verdict([server], replaced)
    assert expected is type(fault)
    assert told in str(fault or "")
    assert fault is None or server.fault in fault.message  # type: ignore[operator]


async def test_a_server_is_built_anew_three_times_and_no_restart_begins_anew() -> None:
    """Its pauses grow; then a person is asked, and nothing is deleted any more."""
    world = WholeWorld()
    world.cloud.fault = BROKEN
    await a_build(world)
    pauses = []
    for _ in range(3):
        assert ("False", "ReplacingServer") == world.standing()
        pauses.append(await world.turn())
        world.parts.memories.by_uid.clear()  # a restart
        await world.turn()
    for _ in range(3):
        world.clock += 1000
        await world.turn()

    assert [10, 30, 90] == pauses
    assert ("False", "ServerFault") == world.standing()
    assert 3 == len(world.builder.discarded)
    assert 3 == world.status()["replacements"]["count"]


async def test_a_replaced_server_that_comes_up_ends_the_count() -> None:
    """All is well, and nothing reminds of it."""
    world = WholeWorld()
    world.cloud.fault = BROKEN
    await a_build(world)
    world.cloud.fault = None
    world.clock += 11
    await world.turn()

    assert ("True", "Ready") == world.standing()
    assert "replacements" not in world.status()


async def test_a_server_is_not_replaced_before_its_pause_is_over() -> None:
    """However often somebody knocks."""
    world = WholeWorld()
    world.cloud.fault = BROKEN
    await a_build(world)
    for _ in range(5):
        await world.turn()

    assert [] == world.builder.discarded


async def test_want_of_room_is_waited_for_and_explained() -> None:
    """No server is deleted and ordered again while no host could take it; when one can, it is built."""
    world = WholeWorld()
    world.cloud.fault = NO_HOST
    world.cloud.answers = {"flavors/id-c1.small": SMALL, "allocation_candidates": hosts(2)}
    await a_build(world)
    for _ in range(5):
        world.clock += 61
        await world.turn()

    assert ("False", "QuotaExceeded") == world.standing()
    assert "needs 4 cores, 2 left" in message(world)
    assert [] == world.builder.discarded
    world.cloud.answers["allocation_candidates"] = hosts(4)
    world.cloud.fault = None
    world.clock += 61
    await world.turn()
    assert ("True", "Ready") == world.standing()


def test_advice_is_not_cut_off_by_many_faults() -> None:
    """A condition ends at 2,048 characters; what to do is within them."""
    fault = verdict([a_server({"message": "x" * 500})] * 10, 3)

    assert fault is not None
    assert "then delete the server there" in fault.message[:2048]


async def test_want_of_room_that_nothing_shows_is_tried_ever_more_seldom() -> None:
    """Hosts with room and Nova without: what is wrong may last, and no restart begins the pauses again."""
    world = WholeWorld()
    world.cloud.fault = NO_HOST
    world.cloud.answers = {"flavors/id-c1.small": SMALL, "allocation_candidates": hosts(8)}
    await a_build(world)
    pauses = []
    for _ in range(6):
        pauses.append(await world.turn())
        world.parts.memories.by_uid.clear()
        await world.turn()

    assert [30, 60, 120, 240, 300, 300] == pauses
    assert ("False", "QuotaExceeded") == world.standing()
    assert 6 == world.status()["replacements"]["count"]


async def test_a_server_that_lost_the_race_for_quota_waits_for_it() -> None:
    """It is there, in ERROR, and needs what others have: nothing is deleted and ordered again meanwhile."""
    world = WholeWorld()
    world.cloud.fault = LATE_QUOTA
    world.cloud.answers = {"flavors/id-c1.small": SMALL, "limits": limits(servers=0, cores=-4)}
    await a_build(world)
    for _ in range(3):
        world.clock += 301
        await world.turn()

    assert [] == world.builder.discarded
    assert "quota of project civil-affairs-extranet: needs 8 cores, 4 left" in message(world)
    world.cloud.answers["limits"], world.cloud.fault = limits(servers=0, cores=0), None
    world.clock += 301
    await world.turn()
    assert ("True", "Ready") == world.standing()


async def test_a_server_in_error_that_ran_does_not_start_the_engine() -> None:
    """Only a person may put it right, so nothing is tried, restart or not."""
    world = WholeWorld()
    await a_build(world)
    server = world.cloud.all("servers")[0]
    server |= {"status": "ERROR", "OS-SRV-USG:launched_at": "2026-01-01"}
    world.cloud.fault = BROKEN
    world.ask(a_spec(driftPolicy="Correct"), generation=2)
    await world.turn()
    world.approve()
    for _ in range(3):
        world.parts.memories.by_uid.clear()
        await world.turn()

    assert ("False", "ServerFault") == world.standing()
    assert 1 == world.builder.passes


async def test_used_up_quota_is_explained_and_looked_at_before_it_is_tried_again() -> None:
    """The engine runs once, and then only when there is enough."""
    world = WholeWorld()
    world.builder.failure = QuotaExceeded("OpenStack refused POST servers: Quota exceeded")
    world.cloud.answers = {"flavors/id-c1.small": SMALL, "limits": limits(servers=1, cores=2)}
    await a_build(world)
    for _ in range(5):
        world.clock += 61
        await world.turn()

    assert "quota of project civil-affairs-extranet: needs 2 servers, 1 left; needs 8 cores, 2 left" in message(world)
    assert 1 == world.builder.passes
    world.builder.failure, world.cloud.answers["limits"] = None, limits(servers=2, cores=8)
    world.clock += 61
    await world.turn()
    assert (2, "Provisioned") == (world.builder.passes, world.standing("Provisioned")[1])


async def test_what_the_plan_removes_makes_room_for_what_it_makes() -> None:
    """At full quota a replacement does not wait for what it frees itself."""
    world = WholeWorld()
    await a_build(world)
    world.cloud.answers = {"flavors/id-c1.small": SMALL, "limits": limits(servers=0, cores=0)}
    world.builder.failure = QuotaExceeded("OpenStack refused POST servers: Quota exceeded")
    world.ask(a_spec(servers=[a_server_block(name="api")], flows=[a_flow(to="api")]), generation=2)
    await world.turn()
    world.approve()
    await world.turn()
    passes, world.builder.failure = world.builder.passes, None
    world.clock += 61
    await world.turn()

    assert (2, 3) == (passes, world.builder.passes)


async def test_where_no_limit_can_be_read_the_clouds_words_stand() -> None:
    """And it is tried again, at its pace."""
    world = WholeWorld()
    world.builder.failure = QuotaExceeded("OpenStack refused POST servers: Quota exceeded", retry_after_seconds=30)
    await a_build(world)
    world.clock += 31
    await world.turn()

    assert ("OpenStack refused POST servers: Quota exceeded", 2) == (message(world), world.builder.passes)


def hosts(cores: int) -> dict[str, Any]:
    left = {"VCPU": {"capacity": 10, "used": 10 - cores}, "MEMORY_MB": {"capacity": 99999, "used": 0}}
    return {"provider_summaries": {"host-1": {"resources": left | {"DISK_GB": {"capacity": 999, "used": 0}}}}}


def limits(*, servers: int, cores: int) -> dict[str, Any]:
    absolute = {"maxTotalInstances": 10, "totalInstancesUsed": 10 - servers}
    absolute |= {"maxTotalCores": 20, "totalCoresUsed": 20 - cores, "maxTotalRAMSize": -1, "totalRAMUsed": 0}
    return {"limits": {"absolute": absolute}}


async def test_no_plan_makes_an_empty_volume_in_the_place_of_a_lost_one() -> None:
    """Whatever was approved meanwhile: no officer saw that the data is gone. Asked for by another name, it is made."""
    world = WholeWorld()
    world.ask(with_volume("records"))
    await world.turn()
    world.approve()
    await world.turn()
    volume = world.cloud.all("volumes")[0]["id"]
    world.cloud.forget("volumes", volume)
    await another_version(world, "records", generation=2)
    assert ("False", "DataLost") == world.standing("Provisioned")
    assert volume in message(world)
    assert 1 == world.builder.passes
    await another_version(world, "archive", generation=3)

    assert 2 == world.builder.passes


def with_volume(name: str, **fields: Any) -> ResourceRequestSpec:
    server = a_server_block(count=1, volumes=[{"name": name, "sizeGiB": 10}])
    return a_spec(servers=[server], **fields)


async def another_version(world: WholeWorld, volume: str, *, generation: int) -> None:
    """Approved, and one pass."""
    world.ask(with_volume(volume, flows=[a_flow(ports=["tcp/8443"])]), generation=generation)
    await world.turn()
    world.approve()
    await world.turn()
