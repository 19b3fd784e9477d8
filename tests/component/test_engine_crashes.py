"""Killed, emptied, truncated, foreign: whatever happens to the engine, the next pass ends with exactly the plan."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import psutil
import pytest

from infra.engine.state import StackState
from infra.errors import EngineInterrupted, KunlunError
from infra.planned import planned_objects
from infra.provider.observe import observe
from infra.provider.observed import differences, identity_of
from tests.component.engine_parts import an_engine, first_build, ids, next_pass, state_file
from tests.component.fake_cloud import FakeCloud
from tests.component.plans import UID, a_plan, a_rich_plan, removals, unheard

RECORDS = {"volume-web-0.records"}  # the data volume of the rich plan


def kill_the_engine_at(line: str, number: int = 1) -> tuple[list[int], object]:
    """A hook that kills the running command (ours, a child of this process) at the n-th such change."""
    killed: list[int] = []
    seen: list[str] = []

    def at(now: str) -> None:
        seen.append(now)
        if killed or seen.count(line) < number:
            return
        for child in psutil.Process().children():
            if child.name() == "pulumi":
                os.kill(child.pid, signal.SIGKILL)
                killed.append(child.pid)

    return killed, at


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("line", ["POST subnets", "POST ports", "POST servers", "POST security-group-rules"])
async def test_killed_in_the_middle_nothing_is_made_twice(line: str, moment: str, tmp_path: Path) -> None:
    """SIGKILL around any POST: the pass reports an interruption, the next one adopts and completes."""
    cloud, plan = FakeCloud(), a_plan()
    killed, hook = kill_the_engine_at(line)
    setattr(cloud, moment, hook)
    with pytest.raises(EngineInterrupted):
        await first_build(cloud, tmp_path, plan)
    setattr(cloud, moment, lambda _: None)
    built = await next_pass(cloud, tmp_path, plan)

    assert killed
    assert [] == differences(planned_objects(plan), await observe(cloud, UID))
    assert await ids(cloud) == built.ids


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="empty file"),
        pytest.param("{}", id="blank"),
        pytest.param('{"version": 3, "checkpoint": {"latest": {"resources": [{"urn"', id="truncated"),
        pytest.param("[]", id="something else"),
        pytest.param(None, id="no file"),
    ],
)
async def test_a_lost_state_costs_one_pass_and_changes_nothing(content: str | None, tmp_path: Path) -> None:
    """Everything is adopted by its marker: not one change in the cloud."""
    cloud, plan = FakeCloud(), a_rich_plan()
    before = await first_build(cloud, tmp_path, plan)
    _overwrite(state_file(tmp_path), content)
    cloud.log.clear()
    after = await next_pass(cloud, tmp_path, plan)

    assert [] == cloud.log
    assert before.ids == after.ids


async def test_a_foreign_state_has_no_effect(tmp_path: Path) -> None:
    """Another request's state under this request's name: the other's objects are neither changed nor deleted."""
    cloud, mine = FakeCloud(), a_plan(servers=())
    await first_build(cloud, tmp_path, a_plan(uid="another"))
    theirs = await ids(cloud, "another")
    state_file(tmp_path).write_text(state_file(tmp_path, "another").read_text().replace("another", UID))
    built = await next_pass(cloud, tmp_path, mine)

    assert theirs == await ids(cloud, "another")
    assert set(planned_objects(mine)) == set(built.ids)
    assert not set(theirs.values()) & set(built.ids.values())


async def test_a_stale_state_has_no_effect(tmp_path: Path) -> None:
    """The state of the plan before last would undo the last one; it is thrown away instead."""
    cloud, first = FakeCloud(), a_plan()
    await first_build(cloud, tmp_path, first)
    stale = state_file(tmp_path).read_text()
    second = a_plan(servers=first.servers[:1], removals=removals(first, "server-web-1", "port-web-1"))
    await next_pass(cloud, tmp_path, second)
    state_file(tmp_path).write_text(stale)
    cloud.log.clear()
    await next_pass(cloud, tmp_path, second)

    assert [] == cloud.log


async def test_removals_happen_with_a_lost_state_too(tmp_path: Path) -> None:
    """What the engine has forgotten is deleted directly, in dependency order, if it was signed."""
    cloud, old = FakeCloud(), a_plan()
    await first_build(cloud, tmp_path, old)
    _overwrite(state_file(tmp_path), "{}")
    plan = a_plan(servers=old.servers[:1], removals=removals(old, "server-web-1", "port-web-1"))
    await next_pass(cloud, tmp_path, plan)

    assert set(planned_objects(plan)) == set(await ids(cloud))


async def test_drift_is_corrected_although_the_state_knows_nothing_of_it(tmp_path: Path) -> None:
    """A rule opened by hand and a server deleted by hand: closed, and built again."""
    cloud, plan = FakeCloud(), a_plan()
    await first_build(cloud, tmp_path, plan)
    rule = {"id": "rule-x", "direction": "ingress", "ethertype": "IPv4", "protocol": "tcp"}
    cloud.all("security-groups")[0]["security_group_rules"].append(rule)
    cloud.forget("servers", cloud.all("servers")[0]["id"])
    await next_pass(cloud, tmp_path, plan)

    assert [] == differences(planned_objects(plan), await observe(cloud, UID))


async def test_a_request_is_removed_with_a_lost_state_too(tmp_path: Path) -> None:
    """The marker finds everything."""
    cloud, plan = FakeCloud(), a_rich_plan()
    await first_build(cloud, tmp_path, plan)
    _overwrite(state_file(tmp_path), None)
    async with an_engine(cloud, tmp_path) as engine:
        await engine.remove(plan.origin, "project-1", discard=RECORDS, on_progress=unheard)

    assert {} == cloud.count()


async def test_a_request_is_removed_with_a_state_that_knows_only_a_part(tmp_path: Path) -> None:
    """A killed run records some objects; what it does not record hangs on what it does, and has to go first."""
    cloud, plan = FakeCloud(), a_plan()
    await first_build(cloud, tmp_path, plan)
    content = json.loads(state_file(tmp_path).read_text())
    latest = content["checkpoint"]["latest"]
    latest["resources"] = [one for one in latest["resources"] if not one["urn"].endswith("::interface-app")]
    state_file(tmp_path).write_text(json.dumps(content))
    async with an_engine(cloud, tmp_path) as engine:
        await engine.remove(plan.origin, "project-1", on_progress=unheard)

    assert {} == cloud.count()


async def test_a_removal_killed_in_the_middle_is_finished_by_the_next(tmp_path: Path) -> None:
    """Deleting twice is no error, and the listing has the last word."""
    cloud, plan = FakeCloud(), a_rich_plan()
    built = await first_build(cloud, tmp_path, plan)
    killed, hook = kill_the_engine_at(f"DELETE ports/{built.ids['port-web-1']}")
    cloud.after = hook  # type: ignore[assignment]
    async with an_engine(cloud, tmp_path) as engine:
        with pytest.raises(KunlunError):
            await engine.remove(plan.origin, "project-1", discard=RECORDS, on_progress=unheard)
        await engine.remove(plan.origin, "project-1", discard=RECORDS, on_progress=unheard)

    assert killed
    assert {} == cloud.count()


async def test_a_lost_key_costs_only_the_cache(tmp_path: Path) -> None:
    """States sealed by another key cannot be opened; they are thrown away."""
    cloud, plan = FakeCloud(), a_plan()
    await first_build(cloud, tmp_path, plan)
    (tmp_path / "transit.key").unlink()
    cloud.log.clear()
    await next_pass(cloud, tmp_path, plan)

    assert [] == cloud.log


async def test_nothing_is_left_behind_by_a_run(tmp_path: Path) -> None:
    """No locks, no history, no run folders: only the state and the key, which nobody else may read."""
    await first_build(FakeCloud(), tmp_path, a_plan())

    assert {f"{UID}.json", "meta.yaml", "stack.yaml", "transit.key"} == set(_files(tmp_path))
    assert 0o600 == (tmp_path / "transit.key").stat().st_mode & 0o777


@pytest.mark.parametrize("name", ["meta.yaml", "stack.yaml", "transit.key", f"{UID}.json"])
async def test_a_file_cut_in_half_costs_one_pass_and_changes_nothing(name: str, tmp_path: Path) -> None:
    """A full disk or a power cut: whatever file of the state it hits, the next operator works."""
    cloud, plan = FakeCloud(), a_rich_plan()
    await first_build(cloud, tmp_path, plan)
    _cut_in_half(tmp_path, name)
    cloud.log.clear()
    await next_pass(cloud, tmp_path, plan)

    assert [] == cloud.log


async def test_what_killed_runs_left_goes_with_the_next_start(tmp_path: Path) -> None:
    """A killed operator cannot tidy up; its successor does, and removes nothing but what is ours."""
    (tmp_path / "run-of-a-dead-one" / "logs").mkdir(parents=True)
    bystander = tmp_path / "precious"
    bystander.mkdir()
    (tmp_path / "transit.folder").write_text(str(bystander))
    async with an_engine(FakeCloud(), tmp_path):
        left = sorted(path.name for path in tmp_path.iterdir() if path.name.startswith("run-"))  # noqa: ASYNC240

    assert [] == left
    assert bystander.is_dir(), "a note that was cut short or written by others names no folder of ours"


async def test_a_true_state_is_kept(tmp_path: Path) -> None:
    """So that the engine itself sees what changes between two plans."""
    cloud, plan = FakeCloud(default_rules=True), a_rich_plan()
    await first_build(cloud, tmp_path, plan)
    sealed_key = (tmp_path / "stack.yaml").read_text().partition("encryptedkey: ")[2].strip()
    state, observed = StackState(tmp_path, UID), await observe(cloud, UID)
    kept = [identity_of(one) for one in planned_objects(plan).values()]

    assert state.is_true(observed, sealed_key)
    assert state.covers(observed, kept, [])
    assert not state.is_true(observed, "another key")
    assert not state.covers(observed, kept[1:], []), "it records something the plan neither keeps nor removes"


def _cut_in_half(folder: Path, name: str) -> None:
    file = next(folder.rglob(name))
    os.truncate(file, file.stat().st_size // 2)


def _files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


def _overwrite(file: Path, content: str | None) -> None:
    if content is None:
        file.unlink()
    else:
        file.write_text(content)


async def test_what_is_kept_of_requests_that_are_gone_goes(tmp_path: Path) -> None:
    """Another operator ended them: their states and locks stay nowhere; those of living requests do."""
    cloud = FakeCloud()
    await first_build(cloud, tmp_path, a_plan())
    gone = state_file(tmp_path, "gone")
    gone.write_text("{}")
    lock = tmp_path / "backend" / ".pulumi" / "locks" / "organization" / "kunlun" / "locked"
    lock.mkdir(parents=True)
    async with an_engine(cloud, tmp_path) as engine:
        engine.drop(engine.kept() - {UID})

    assert state_file(tmp_path).exists()
    assert [False, False] == [gone.exists(), lock.exists()]
