"""Whose lock is it? Broken on proof that its engine has ended, never on a guess."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from infra.engine.leftovers import UNWRITTEN_SECONDS, backend_url
from infra.errors import EngineInterrupted, KunlunError, StackLocked
from infra.planned import planned_objects
from tests.component.engine_parts import an_engine, first_build, ids, next_pass
from tests.component.fake_cloud import FakeCloud
from tests.component.plans import UID, a_plan, unheard

ENDED = 2**22 + 1  # above the kernel's largest pid


def locks_of(folder: Path, uid: str = UID) -> Path:
    return folder / "backend" / ".pulumi" / "locks" / "organization" / "kunlun" / uid


def a_lock(folder: Path, content: str | None = None, **differing: Any) -> Path:
    """As the engine writes it."""
    owner = {"pid": ENDED, "username": "root", "hostname": socket.gethostname(), "timestamp": "2026-01-01T00:00:00Z"}
    file = locks_of(folder) / "6f6a6015-a170-4c81-866a-f887bc491791.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(owner | differing) if content is None else content)
    return file


@contextmanager
def a_process(folder: Path, name: str, *words: str, state: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A process of that name, which works on a state folder, or on none; it waits for its input."""
    program = folder / name
    program.symlink_to("/bin/sh")
    variables = {"PULUMI_BACKEND_URL": backend_url(state)} if state else {}
    argv = [name, "-c", "read line", *words]
    with subprocess.Popen(argv, executable=program, env=variables, stdin=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


async def in_flight_answered(cloud: FakeCloud) -> None:
    """Until the cloud has carried out what was already sent."""
    seen = -1
    while seen != len(cloud.log):
        seen = len(cloud.log)
        await asyncio.sleep(0.1)


async def test_an_engine_left_behind_by_a_killed_operator_is_ended_and_its_lock_broken(tmp_path: Path) -> None:
    """The engine is stopped in the middle, as on a machine that swaps; the next operator does not wait for it."""
    cloud, plan = FakeCloud(), a_plan()
    stopped: list[int] = []

    def stop_the_engine(line: str) -> None:
        for child in psutil.Process().children():
            if child.name() == "pulumi" and not stopped and any(locks_of(tmp_path).glob("*")):
                os.kill(child.pid, signal.SIGSTOP)
                stopped.append(child.pid)

    cloud.before = stop_the_engine
    left_behind = asyncio.create_task(first_build(cloud, tmp_path, plan))
    while not stopped:
        await asyncio.sleep(0.02)
        assert not left_behind.done(), "the engine was never seen with its lock"
    await in_flight_answered(cloud)
    built = await next_pass(cloud, tmp_path, plan)
    with suppress(KunlunError):
        await left_behind

    assert set(planned_objects(plan)) == set(built.ids)
    assert await ids(cloud) == built.ids
    assert {"servers": 2, "routers": 1} == {key: n for key, n in cloud.count().items() if key in ("servers", "routers")}
    assert not list(locks_of(tmp_path).glob("*"))


async def test_the_lock_of_an_engine_that_has_ended_is_broken(tmp_path: Path) -> None:
    """Killed with its machine's other processes, it left nothing but the file."""
    cloud, plan = FakeCloud(), a_plan()
    await first_build(cloud, tmp_path, plan)
    lock = a_lock(tmp_path)
    await next_pass(cloud, tmp_path, plan)

    assert not lock.exists()


async def test_a_pid_that_is_a_strangers_now_proves_that_the_engine_has_ended(tmp_path: Path) -> None:
    """Pids are used again; the stranger is left alone."""
    cloud, plan = FakeCloud(), a_plan()
    await first_build(cloud, tmp_path, plan)
    with a_process(tmp_path, "stranger") as stranger:
        lock = a_lock(tmp_path, pid=stranger.pid)
        await next_pass(cloud, tmp_path, plan)

        assert stranger.poll() is None
    assert not lock.exists()


async def test_a_pid_that_is_another_stacks_engine_now_is_left_alone(tmp_path: Path) -> None:
    """Our own engines use pids again, too."""
    state = tmp_path / "state"
    state.mkdir()
    cloud, plan = FakeCloud(), a_plan()
    async with an_engine(cloud, state) as engine:
        with a_process(tmp_path, "pulumi", "--stack", "another", state=state) as another:
            lock = a_lock(state, pid=another.pid)
            await engine.converge(plan, observed=None, on_progress=unheard)

            assert another.poll() is None
    assert not lock.exists()


UNJUDGEABLE = [
    pytest.param(None, {"hostname": "another"}, "on another since", id="another machine's"),
    pytest.param("", {}, "somebody it does not name", id="cut short"),
    pytest.param('["no", "lock"]', {}, "somebody it does not name", id="something else"),
]


@pytest.mark.parametrize(("content", "differing", "told"), UNJUDGEABLE)
async def test_a_lock_that_appears_meanwhile_and_cannot_be_judged_is_reported(
    content: str | None, differing: dict[str, Any], told: str, tmp_path: Path
) -> None:
    """Nothing is changed; the message says who holds it, and the file stays for a person to judge."""
    cloud = FakeCloud()
    async with an_engine(cloud, tmp_path) as engine:
        lock = a_lock(tmp_path, content, **differing)
        with pytest.raises(StackLocked) as refused:
            await engine.converge(a_plan(), observed=None, on_progress=unheard)

    assert told in refused.value.message
    assert [] == cloud.log
    assert lock.exists()


@pytest.mark.parametrize("age_seconds", [UNWRITTEN_SECONDS + 1, 0.0])
async def test_a_lock_that_was_never_written_to_its_end_stops_nobody_for_long(
    age_seconds: float, tmp_path: Path
) -> None:
    """As a full disk leaves it, with the name that a file has while it is written; a fresh one may still become one."""
    cloud, plan = FakeCloud(), a_plan()
    async with an_engine(cloud, tmp_path) as engine:
        lock = a_lock(tmp_path, "")
        unwritten = lock.rename(lock.with_name(f"{lock.name}.1796051828.tmp"))
        written_at = time.time() - age_seconds
        os.utime(unwritten, (written_at, written_at))
        if age_seconds:
            await engine.converge(plan, observed=None, on_progress=unheard)
        else:
            with pytest.raises(StackLocked):
                await engine.converge(plan, observed=None, on_progress=unheard)

    assert bool(age_seconds) == bool(cloud.log)
    assert bool(age_seconds) != unwritten.exists()


async def test_an_unwritten_lock_found_at_the_start_is_broken(tmp_path: Path) -> None:
    """Of whatever age: the one who wrote it is gone."""
    cloud, plan = FakeCloud(), a_plan()
    lock = a_lock(tmp_path, "")
    unwritten = lock.rename(lock.with_name(f"{lock.name}.1796051828.tmp"))
    built = await first_build(cloud, tmp_path, plan)

    assert set(planned_objects(plan)) == set(built.ids)
    assert not unwritten.exists()


@pytest.mark.parametrize(("content", "differing", "told"), UNJUDGEABLE)
async def test_a_lock_found_at_the_start_of_who_has_the_folder_to_himself_is_broken(
    content: str | None, differing: dict[str, Any], told: str, tmp_path: Path
) -> None:
    """A pod with another host name, or a power cut in the middle of writing the lock, needs no person."""
    cloud, plan = FakeCloud(), a_plan()
    lock = a_lock(tmp_path, content, **differing)
    built = await first_build(cloud, tmp_path, plan)

    assert set(planned_objects(plan)) == set(built.ids)
    assert not lock.exists()


async def test_an_engine_that_may_have_come_by_another_path_keeps_its_lock(tmp_path: Path) -> None:
    """A person's own `pulumi` on our folder is not ours to end."""
    cloud = FakeCloud()
    state = tmp_path / "state"
    state.mkdir()
    with a_process(tmp_path, "pulumi", "--stack", UID) as theirs:
        a_lock(state, pid=theirs.pid)
        with pytest.raises(StackLocked):
            await first_build(cloud, state, a_plan())

        assert theirs.poll() is None


async def test_who_has_lost_the_lease_ends_its_engines_at_once(tmp_path: Path) -> None:
    """Without waiting for anything in order."""
    cloud, plan = FakeCloud(), a_plan()
    async with an_engine(cloud, tmp_path) as engine:

        def kill(line: str) -> None:
            if any(child.name() == "pulumi" for child in psutil.Process().children()):
                engine.kill()

        cloud.before = kill
        with pytest.raises(EngineInterrupted):
            await engine.converge(plan, observed=None, on_progress=unheard)
