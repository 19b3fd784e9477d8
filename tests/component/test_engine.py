"""The real engine: what it builds, changes and removes, and what it says about it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import yaml

from infra.engine import Engine, EngineSettings
from infra.engine.state import PROJECT
from infra.errors import EngineFailed, EngineInterrupted, NotApproved, QuotaExceeded
from infra.planned import planned_objects
from infra.provider.observe import observe
from infra.provider.observed import differences
from infra.stack import program
from infra.stackplan import GroupPlan, Resolved
from tests.component.engine_parts import Progress, an_engine, first_build, ids, next_pass, pulumi, state_file
from tests.component.fake_cloud import FakeCloud
from tests.component.plans import UID, a_plan, a_rich_plan, a_rule, a_server, removals, unheard


async def test_a_first_build_makes_exactly_the_plan_and_looks_at_nothing(tmp_path: Path) -> None:
    """Without the mark that it began, nothing can exist: not one GET; and the ids are returned."""
    cloud, plan = FakeCloud(), a_plan()
    built = await first_build(cloud, tmp_path, plan)

    assert [] == cloud.reads
    assert 1 == cloud.log.count("POST ports"), "in bulk"
    assert 9 == len(cloud.log), "8 POSTs and one PUT"
    assert await ids(cloud) == built.ids
    assert [] == differences(planned_objects(plan), await observe(cloud, UID))


async def test_every_kind_of_object_goes_through_the_engine(tmp_path: Path) -> None:
    """Boot and data volumes, attachments, groups that refer to each other; a second pass changes nothing."""
    cloud, plan = FakeCloud(default_rules=True), a_rich_plan()
    await first_build(cloud, tmp_path, plan)
    assert [] == differences(planned_objects(plan), await observe(cloud, UID))
    cloud.log.clear()
    await next_pass(cloud, tmp_path, plan)

    assert [] == cloud.log


async def test_progress_is_told_step_by_step(tmp_path: Path) -> None:
    """Each object starts once and is done once; the count ends at the total."""
    progress = Progress()
    async with an_engine(FakeCloud(), tmp_path) as engine:
        await engine.converge(a_plan(), observed=None, on_progress=progress)
    done = [event for event in progress.heard if event.moment == "done"]

    assert sorted(planned_objects(a_plan())) == sorted(event.name for event in done)
    assert list(range(1, 11)) == [event.done for event in done]
    assert {10} == {event.total for event in progress.heard}


async def test_changes_in_place_are_made_in_place(tmp_path: Path) -> None:
    """A flavor and a rule: two calls, the same ids."""
    cloud = FakeCloud()
    before = await first_build(cloud, tmp_path, a_plan())
    cloud.log.clear()
    large = a_server(1, flavor=Resolved(id="flavor-large", name="c1.large"))
    plan = a_plan(servers=(a_server(0), large), groups=(GroupPlan(name="web", rules=(a_rule(443),)),))
    after = await next_pass(cloud, tmp_path, plan)

    assert before.ids == after.ids
    assert 4 == len(cloud.log), "two rules deleted, resize, confirmation"
    assert [] == differences(planned_objects(plan), await observe(cloud, UID))


async def test_a_replacement_deletes_first_and_reuses_the_port(tmp_path: Path) -> None:
    """Another image: the signed removal allows the old server's end."""
    cloud = FakeCloud()
    old = a_plan(servers=(a_server(),))
    before = await first_build(cloud, tmp_path, old)
    cloud.log.clear()
    another = a_server(image=Resolved(id="image-13", name="debian-13"))
    plan = a_plan(servers=(another,), removals=removals(old, "server-web-0"))
    after = await next_pass(cloud, tmp_path, plan)

    assert [f"DELETE servers/{before.ids['server-web-0']}", "POST servers"] == cloud.log
    assert before.ids["port-web-0"] == after.ids["port-web-0"]


async def test_a_replaced_network_takes_everything_on_it_along(tmp_path: Path) -> None:
    """Another prefix: subnet, interface, ports and servers are replaced in an order OpenStack accepts."""
    cloud = FakeCloud()
    old = a_plan()
    await first_build(cloud, tmp_path, old)
    network = old.networks[0].model_copy(update={"cidr": "10.10.1.0/25"})
    replaced = ("subnet-app", "interface-app", *(f"{kind}-web-{n}" for kind in ("port", "server") for n in (0, 1)))
    plan = a_plan(networks=(network,), removals=removals(old, *replaced))
    await next_pass(cloud, tmp_path, plan)

    assert [] == differences(planned_objects(plan), await observe(cloud, UID))


async def test_what_the_plan_removes_is_removed(tmp_path: Path) -> None:
    """A server less."""
    cloud, old = FakeCloud(), a_plan()
    await first_build(cloud, tmp_path, old)
    plan = a_plan(servers=old.servers[:1], removals=removals(old, "server-web-1", "port-web-1"))
    await next_pass(cloud, tmp_path, plan)

    assert set(planned_objects(plan)) == set(await ids(cloud))


async def test_a_retained_volume_stays_when_its_server_goes(tmp_path: Path) -> None:
    """Not in the signed removals, so nobody may delete it; it keeps its marker and can come back."""
    cloud, old = FakeCloud(), a_rich_plan()
    before = await first_build(cloud, tmp_path, old)
    gone = ("attachment-web-0.records", "public-web-0", "server-web-0", "boot-web-0", "port-web-0")
    plan = a_rich_plan(servers=old.servers[1:], removals=removals(old, *gone))
    await next_pass(cloud, tmp_path, plan)
    assert {*planned_objects(plan), "volume-web-0.records"} == set(await ids(cloud))

    back = await next_pass(cloud, tmp_path, old)
    assert before.ids["volume-web-0.records"] == back.ids["volume-web-0.records"]


async def test_removing_a_request_leaves_nothing_but_what_is_kept(tmp_path: Path) -> None:
    """In dependency order, through the engine; another request's objects are not touched."""
    cloud, plan = FakeCloud(), a_rich_plan()
    await first_build(cloud, tmp_path, plan)
    await first_build(cloud, tmp_path, a_plan(uid="another"))
    others = await ids(cloud, "another")
    async with an_engine(cloud, tmp_path) as engine:
        kept = await engine.remove(plan.origin, "project-1", discard={"volume-web-0.scratch"}, on_progress=unheard)

    assert ["volume-web-0.records"] == kept
    assert {"volume-web-0.records"} == set(await ids(cloud))
    assert others == await ids(cloud, "another")
    assert not state_file(tmp_path).exists()


async def test_removing_a_request_finds_what_the_engine_does_not_know(tmp_path: Path) -> None:
    """A twin is in no state; the listing after the engine's run shows it, and it goes too."""
    cloud, plan = FakeCloud(), a_plan()
    await first_build(cloud, tmp_path, plan)
    cloud.duplicate("security-groups")
    async with an_engine(cloud, tmp_path) as engine:
        await engine.remove(plan.origin, "project-1", on_progress=unheard)

    assert {} == cloud.count()


async def test_a_spare_twin_goes_and_the_one_in_use_stays(tmp_path: Path) -> None:
    """An answer that came after its process was killed: exactly one was approved."""
    cloud, plan = FakeCloud(), a_plan()
    before = await first_build(cloud, tmp_path, plan)
    cloud.duplicate("networks")
    cloud.duplicate("security-groups")
    after = await next_pass(cloud, tmp_path, plan)

    assert before.ids == after.ids
    assert 1 == cloud.count()["networks"] == cloud.count()["security-groups"]


async def test_twins_of_what_goes_and_of_what_nobody_planned_stop_nothing(tmp_path: Path) -> None:
    """A twin of a removed object goes with it; one of an object the plan does not name is not ours to decide."""
    cloud, plan = FakeCloud(), a_plan()
    old = a_plan(groups=(*plan.groups, GroupPlan(name="db", rules=()), GroupPlan(name="forgotten", rules=())))
    await first_build(cloud, tmp_path, old)
    for index in (1, 2):
        cloud.duplicate("security-groups", index)
    await next_pass(cloud, tmp_path, a_plan(removals=removals(old, "group-db", "rules-db")))

    groups = sorted(group["name"] for group in cloud.all("security-groups"))
    assert ["portal-forgotten", "portal-forgotten", "portal-web"] == groups


async def test_an_engine_that_fails_for_its_own_reason_says_so(tmp_path: Path) -> None:
    """Not an interruption, and not an error of the cloud."""
    cloud = FakeCloud()
    async with an_engine(cloud, tmp_path) as engine:
        (tmp_path / "stack.yaml").write_text("secretsprovider: nonsense://\n")
        with pytest.raises(EngineFailed, match="the engine ended with code"):
            await engine.converge(a_plan(servers=()), observed=None, on_progress=unheard)


async def test_the_first_error_of_the_provider_is_what_is_raised(tmp_path: Path) -> None:
    """Not the engine's words about it; and the next pass continues where this one ended."""
    cloud, plan = FakeCloud(), a_plan()

    def no_quota(line: str) -> None:
        if line == "POST servers":
            raise QuotaExceeded("Quota exceeded for instances")

    cloud.before = no_quota
    with pytest.raises(QuotaExceeded, match="Quota exceeded for instances"):
        await first_build(cloud, tmp_path, plan)
    cloud.before = lambda line: None
    await next_pass(cloud, tmp_path, plan)

    assert [] == differences(planned_objects(plan), await observe(cloud, UID))


async def test_a_program_that_declares_more_is_stopped(tmp_path: Path) -> None:
    """The signature binds the engine: what a forged program adds is refused by name."""
    forged = a_plan(servers=(a_server(0), a_server(1), a_server(2)))
    cloud = FakeCloud()

    with pytest.raises(NotApproved, match="web-2"):
        await first_build(cloud, tmp_path, a_plan(), declare=lambda plan, observed: program(forged, observed))
    assert 2 >= len(cloud.all("servers"))
    assert not any(port["name"].endswith("web-2") for port in cloud.all("ports"))


async def test_a_program_that_crashes_says_so(tmp_path: Path) -> None:
    """Its error is chained for the log; the message names no internals."""

    def crash() -> None:
        raise KeyError("lost")

    with pytest.raises(EngineFailed, match="the program failed: KeyError") as caught:
        await first_build(FakeCloud(), tmp_path, a_plan(), declare=lambda plan, observed: crash)
    assert isinstance(caught.value.__cause__, KeyError)


async def test_a_missing_command_says_so(tmp_path: Path) -> None:
    """An installation without the engine fails with a sentence, not with a trace."""
    engine = Engine(EngineSettings(tmp_path / "nowhere", tmp_path, processes=1), FakeCloud())
    await engine.start()
    with pytest.raises(EngineFailed, match="cannot be started"):
        await engine.converge(a_plan(), observed=None, on_progress=unheard)
    await engine.close()


async def test_a_cancelled_pass_ends_in_order(tmp_path: Path) -> None:
    """The pass says it was interrupted; its lock is free, and the next pass finishes the work."""
    cloud, plan = FakeCloud(), a_rich_plan()
    began = asyncio.Event()
    cloud.after = lambda line: began.set() if line == "POST servers" else None
    async with an_engine(cloud, tmp_path) as engine:
        cloud.new_server_status = "BUILD"
        running = asyncio.ensure_future(engine.converge(plan, observed=None, on_progress=unheard))
        await began.wait()
        await engine.cancel(UID)
        with pytest.raises(EngineInterrupted):
            await running
    cloud.new_server_status = "ACTIVE"
    for server in cloud.all("servers"):
        server["status"] = "ACTIVE"
    await next_pass(cloud, tmp_path, plan)

    assert [] == differences(planned_objects(plan), await observe(cloud, UID))


async def test_requests_are_built_side_by_side(tmp_path: Path) -> None:
    """Passes of different requests do not wait for each other beyond the number of slots."""
    cloud = FakeCloud()
    uids = [f"uid-{number}" for number in range(4)]
    async with an_engine(cloud, tmp_path) as engine:
        passes = (engine.converge(a_plan(uid, servers=()), observed=None, on_progress=unheard) for uid in uids)
        await asyncio.gather(*passes)

    assert {"routers": 4, "networks": 4, "subnets": 4, "security-groups": 4, "ports": 4} == cloud.count()


def test_the_project_file_names_the_project_the_state_is_kept_under() -> None:
    """The root Pulumi.yaml and the engine agree."""
    root = Path(__file__).parents[2]
    assert PROJECT == yaml.safe_load((root / "Pulumi.yaml").read_text())["name"]
    assert root == EngineSettings(pulumi(), Path(), 1).project


async def test_what_goes_makes_room_for_what_comes(tmp_path: Path) -> None:
    """Of a full quota: a server removed, another one made; were it made first, no quota would ever be enough."""
    cloud, old = FakeCloud(), a_plan()
    before = await first_build(cloud, tmp_path, old)
    cloud.log.clear()
    going = removals(old, "server-web-1", "port-web-1")
    plan = a_plan(servers=(old.servers[0], a_server(2)), removals=going)
    await next_pass(cloud, tmp_path, plan)

    gone = [f"DELETE servers/{before.ids['server-web-1']}", f"DELETE ports/{before.ids['port-web-1']}"]
    assert [*gone, "POST ports", "POST servers"] == cloud.log
    assert [] == differences(planned_objects(plan), await observe(cloud, UID))


@pytest.mark.parametrize("made", [1, 2], ids=["state lost", "something made"])
async def test_a_group_that_is_in_use_until_the_pass_is_over_goes_at_its_end(made: int, tmp_path: Path) -> None:
    """A port leaves it in place; then nothing stands in the way, whatever else goes and comes."""
    cloud, old = FakeCloud(), a_plan()
    await first_build(cloud, tmp_path, old)
    groups = (GroupPlan(name="db", rules=(a_rule(),)),)
    servers = (a_server(0, group="db"), a_server(2, group="db"))[:made]
    if made == 1:
        state_file(tmp_path).unlink()
    going = removals(old, "group-web", "rules-web", "server-web-1", "port-web-1")
    plan = a_plan(groups=groups, servers=servers, removals=going)
    await next_pass(cloud, tmp_path, plan)

    assert [] == differences(planned_objects(plan), await observe(cloud, UID))
