"""Servers that Nova gave up on, and a disk without room: both are got over, and nothing is made twice."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.engine.disk import writing_to
from infra.errors import EngineFailed, ServerFault, StateUnwritable
from infra.planned import planned_objects
from infra.provider.observe import observe
from infra.provider.observed import differences
from tests.component.engine_parts import an_engine, first_build, ids
from tests.component.fake_cloud import FakeCloud
from tests.component.plans import UID, a_plan, a_rich_plan, unheard

SMALL_MIB = 2


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of two MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_MIB}m", "tmpfs", folder], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path) -> Path:
    """Not a byte is left."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        while True:
            try:
                file.write(bytes(4096))
            except OSError:
                return ballast


async def test_a_faulty_server_is_built_anew_on_its_own_port(tmp_path: Path) -> None:
    """Nova gave up on it; nothing but the server changes."""
    cloud, plan = FakeCloud(), a_rich_plan()
    cloud.new_server_status = "ERROR"
    with pytest.raises(ServerFault):  # its data volume waits for it
        await first_build(cloud, tmp_path, plan)
    before = await ids(cloud)
    cloud.new_server_status = "ACTIVE"
    async with an_engine(cloud, tmp_path) as engine:
        observed = await engine.discard_faulty(plan, await observe(cloud, UID), on_progress=unheard)
        after = await engine.converge(plan, observed=observed, on_progress=unheard)

    assert [] == differences(planned_objects(plan), await observe(cloud, UID))
    replaced = {name for name, object_id in before.items() if object_id != after.ids[name]}
    assert {"server-web-0", "server-web-1"} == replaced


@pytest.mark.parametrize("launched", ["2026-01-01T00:00:00", "not said"])
async def test_a_server_that_ran_once_is_never_replaced(launched: str, tmp_path: Path) -> None:
    """It may hold data; where Nova does not say whether it ran, it did."""
    cloud, plan = FakeCloud(), a_plan()
    before = await first_build(cloud, tmp_path, plan)
    for server in cloud.all("servers"):
        server |= {"status": "ERROR", "OS-SRV-USG:launched_at": launched}
        if launched == "not said":
            del server["OS-SRV-USG:launched_at"]
    async with an_engine(cloud, tmp_path) as engine:
        await engine.discard_faulty(plan, await observe(cloud, UID), on_progress=unheard)

    assert before.ids == await ids(cloud)


async def test_a_full_disk_is_said_before_the_cloud_is_touched_and_got_over(small_disk: Path) -> None:
    """The message names the folder and what is free; room alone makes it go on."""
    cloud, plan = FakeCloud(), a_plan()
    async with an_engine(cloud, small_disk) as engine:
        ballast = fill(small_disk)
        with pytest.raises(StateUnwritable, match=rf"{small_disk} \(No space left on device; 0 MiB free\)"):
            await engine.converge(plan, observed=None, on_progress=unheard)
        assert [] == cloud.log
        ballast.unlink()
        await engine.converge(plan, observed=await observe(cloud, UID), on_progress=unheard)
        fill(small_disk)
        with pytest.raises(StateUnwritable):
            await engine.remove(plan.origin, "project-1", on_progress=unheard)

    assert [] == differences(planned_objects(plan), await observe(cloud, UID))


async def test_a_disk_that_fills_up_in_the_middle_of_a_run_is_got_over(small_disk: Path) -> None:
    """The engine fails, in whatever words; what it made is adopted, and nothing is made twice."""
    cloud, plan = FakeCloud(), a_plan()
    filled: list[Path] = []

    def fill_once(line: str) -> None:
        if line == "POST servers" and not filled:
            filled.append(fill(small_disk))

    cloud.after = fill_once
    async with an_engine(cloud, small_disk) as engine:
        with pytest.raises(StateUnwritable, match=r"(?i)no space left"):
            await engine.converge(plan, observed=None, on_progress=unheard)
        filled[0].unlink()
        await engine.converge(plan, observed=await observe(cloud, UID), on_progress=unheard)

    assert [] == differences(planned_objects(plan), await observe(cloud, UID))
    assert 2 == cloud.log.count("POST servers")


def test_a_read_only_folder_is_said_so(small_disk: Path) -> None:
    """Whatever the reason, in the words of the system."""
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(StateUnwritable, match="Read-only file system"), writing_to(small_disk):
        pass


@pytest.mark.parametrize("failure", [EngineFailed("boom"), TimeoutError(), ConnectionResetError(104, "reset")])
def test_what_is_not_about_the_disk_stays_what_it_is(failure: Exception, tmp_path: Path) -> None:
    """Not every OSError is."""
    with pytest.raises(type(failure)), writing_to(tmp_path):
        raise failure
    assert [] == os.listdir(tmp_path)  # noqa: PTH208


def test_the_engines_own_words_about_the_disk_are_understood(tmp_path: Path) -> None:
    """There may be room again when we look."""
    with pytest.raises(StateUnwritable, match="no space left"), writing_to(tmp_path):
        raise EngineFailed("the engine ended with code 255: write x: no space left on device")
