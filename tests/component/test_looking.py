"""Lists that leave something out, and observations that grew old: nothing is lost and nothing made twice by them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.cloud import Answer, Query, Service
from infra.engine.turn import Turn, Turns
from infra.errors import CloudUnavailable
from infra.provider.observe import observe
from infra.stackplan import Kind
from tests.component.by_hand import built_by_hand, importing, marked
from tests.component.engine_parts import an_engine, first_build, ids, next_pass, state_file
from tests.component.fake_cloud import SINGULAR, FakeCloud
from tests.component.plans import UID, a_plan, unheard
from tests.component.test_drift import a_repair

EVERYTHING = tuple(SINGULAR)
FOREVER = 99


class ForgetfulCloud(FakeCloud):
    """Its lists leave out a collection as often as `hidden` says; with `denies` a DELETE says 404 and does nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden: dict[str, int] = {}
        self.denies = False

    def hide(self, *collections: str, times: int) -> None:
        self.hidden = dict.fromkeys(collections, times)

    async def list(self, service: Service, path: str, query: Query | None = None) -> list[Answer]:
        collection = path.removesuffix("/detail")
        if self.hidden.get(collection, 0) > 0 and not query_by_device(query):
            self.hidden[collection] -= 1
            return []
        return await super().list(service, path, query)

    async def delete(self, service: Service, path: str) -> bool:
        return False if self.denies and path.startswith("servers/") else await super().delete(service, path)


def query_by_device(query: Query | None) -> bool:
    return "device_id" in (query or {})


def hiding_after(cloud: ForgetfulCloud, line: str, *, times: int) -> Callable[[str], None]:
    """From the first such change on, the networks are left out."""

    def after(seen: str) -> None:
        if seen.startswith(line):
            cloud.hide("networks", times=times)

    return after


async def expected(cloud: FakeCloud) -> dict[str, Kind]:
    """What the status of the request would name."""
    return {found.id: found.kind for found in (await observe(cloud, UID)).objects}


async def test_a_removal_does_not_believe_one_empty_list(tmp_path: Path) -> None:
    """A service that has just started may answer with nothing; what is there goes all the same."""
    cloud, plan = ForgetfulCloud(), a_plan()
    await first_build(cloud, tmp_path, plan)
    cloud.hide(*EVERYTHING, times=1)
    async with an_engine(cloud, tmp_path) as engine:
        await engine.remove(plan.origin, "project-1", on_progress=unheard)

    assert {} == cloud.count()


async def test_a_release_does_not_believe_one_empty_list(tmp_path: Path) -> None:
    """Else the marks would stay on what was let go."""
    cloud, plan = ForgetfulCloud(), a_plan()
    await first_build(cloud, tmp_path, plan)
    cloud.hide(*EVERYTHING, times=1)
    async with an_engine(cloud, tmp_path) as engine:
        await engine.release(plan.origin, "project-1", on_progress=unheard)

    assert {} == marked(cloud)


@pytest.mark.parametrize("collections", [("servers",), EVERYTHING])
async def test_no_request_ends_while_what_it_built_is_there_unlisted(
    collections: tuple[str, ...], tmp_path: Path
) -> None:
    """A Nova without one of its cells: nothing is deleted or let go, and nothing forgotten."""
    cloud, plan = ForgetfulCloud(), a_plan()
    built = await first_build(cloud, tmp_path, plan)
    known = await expected(cloud)
    cloud.hide(*collections, times=FOREVER)
    cloud.log.clear()
    async with an_engine(cloud, tmp_path) as engine:
        with pytest.raises(CloudUnavailable, match=built.ids["server-web-0"]):
            await engine.remove(plan.origin, "project-1", expected=known, on_progress=unheard)
        with pytest.raises(CloudUnavailable, match=built.ids["server-web-0"]):
            await engine.release(plan.origin, "project-1", expected=known, on_progress=unheard)

    assert [] == cloud.log
    assert state_file(tmp_path).exists()


async def test_what_is_gone_or_no_longer_ours_holds_up_no_removal(tmp_path: Path) -> None:
    """A server deleted by hand, and a group of which somebody took the mark."""
    cloud, plan = ForgetfulCloud(), a_plan(servers=a_plan().servers[:1])
    await first_build(cloud, tmp_path, plan)
    known = await expected(cloud)
    cloud.forget("servers", cloud.all("servers")[0]["id"])
    cloud.all("security-groups")[0]["description"] = "mine now"
    async with an_engine(cloud, tmp_path) as engine:
        await engine.remove(plan.origin, "project-1", expected=known, on_progress=unheard)

    assert {"security-groups": 1} == cloud.count()


@pytest.mark.parametrize("times", [1, FOREVER])
async def test_a_repair_makes_nothing_twice_that_a_list_leaves_out(times: int, tmp_path: Path) -> None:
    """After it has deleted it looks again: one bad list is got over, and none is believed."""
    cloud, plan = ForgetfulCloud(), a_plan()
    await first_build(cloud, tmp_path, plan)
    cloud.all("routers")[0]["external_gateway_info"]["network_id"] = "another"
    repair = await a_repair(cloud, plan)
    cloud.after = hiding_after(cloud, "DELETE routers/", times=times)
    if times == FOREVER:
        with pytest.raises(CloudUnavailable, match="does not list what it still has"):
            await next_pass(cloud, tmp_path, repair)
    else:
        await next_pass(cloud, tmp_path, repair)

    assert 1 == cloud.count()["networks"]


async def test_taking_over_makes_nothing_twice_that_a_list_leaves_out(tmp_path: Path) -> None:
    """It looks again after it has written its marks."""
    cloud, plan = ForgetfulCloud(), a_plan()
    plan = importing(plan, await built_by_hand(cloud, plan))
    await first_build(cloud, tmp_path, plan)
    cloud.all("security-groups")[0]["description"] = "by hand"
    cloud.after = hiding_after(cloud, "PUT security-groups/", times=FOREVER)
    with pytest.raises(CloudUnavailable, match="does not list what it still has"):
        await next_pass(cloud, tmp_path, plan)

    assert 1 == cloud.count()["networks"]


async def test_a_pass_that_had_to_wait_looks_again_before_it_deletes(tmp_path: Path) -> None:
    """What somebody put back meanwhile stays, although its removal was approved."""
    cloud, plan = FakeCloud(), a_plan()
    before = await first_build(cloud, tmp_path, plan)
    right = dict(cloud.all("routers")[0]["external_gateway_info"])
    cloud.all("routers")[0]["external_gateway_info"]["network_id"] = "another"
    repair, old = await a_repair(cloud, plan), await observe(cloud, UID)
    cloud.all("routers")[0]["external_gateway_info"] = right
    cloud.log.clear()
    async with an_engine(cloud, tmp_path, recent_seconds=-1.0) as engine:
        await engine.converge(repair, observed=old, on_progress=unheard)

    assert [] == cloud.log
    assert before.ids == await ids(cloud)


async def test_a_turn_knows_how_long_it_was_waited_for() -> None:
    """The wait for a slot counts."""
    turns = Turns(1, 600.0)

    async def waiting() -> Turn:
        async with turns.take("second") as turn:
            return turn

    async with turns.take("first"):
        begun = asyncio.create_task(waiting())
        await asyncio.sleep(0.05)

    assert (await begun).waited_seconds >= 0.04


async def test_a_server_that_runs_by_now_is_not_discarded(tmp_path: Path) -> None:
    """The observation is older than the turn; the server is asked itself."""
    cloud, plan = FakeCloud(), a_plan()
    await first_build(cloud, tmp_path, plan)
    server = cloud.all("servers")[0]
    alive = {key: server[key] for key in ("status", "OS-SRV-USG:launched_at")}
    server |= {"status": "ERROR", "OS-SRV-USG:launched_at": None}
    old = await observe(cloud, UID)
    server |= alive
    cloud.log.clear()
    async with an_engine(cloud, tmp_path) as engine:
        observed = await engine.discard_faulty(plan, old, on_progress=unheard)

    assert [] == cloud.log
    assert await observe(cloud, UID) == observed


async def test_a_faulty_server_that_is_wrongly_said_to_be_absent_gets_no_second(tmp_path: Path) -> None:
    """Nova without its database answers 404 to a DELETE."""
    cloud, plan = ForgetfulCloud(), a_plan()
    await first_build(cloud, tmp_path, plan)
    cloud.all("servers")[0].update({"status": "ERROR", "OS-SRV-USG:launched_at": None})
    cloud.denies = True
    async with an_engine(cloud, tmp_path) as engine:
        with pytest.raises(CloudUnavailable, match="lists it all the same"):
            await engine.discard_faulty(plan, await observe(cloud, UID), on_progress=unheard)

    assert 2 == cloud.count()["servers"]


async def test_the_port_of_a_server_that_is_wrongly_said_to_be_absent_stays(tmp_path: Path) -> None:
    """A removal goes no further than the server."""
    cloud, plan = ForgetfulCloud(), a_plan()
    await first_build(cloud, tmp_path, plan)
    cloud.denies = True
    before = cloud.count()
    async with an_engine(cloud, tmp_path) as engine:
        with pytest.raises(CloudUnavailable, match="lists it all the same"):
            await engine.remove(plan.origin, "project-1", on_progress=unheard)

    assert before["ports"] - 1 <= cloud.count()["ports"]  # the router's interface may go beside it
    assert before["servers"] == cloud.count()["servers"]
