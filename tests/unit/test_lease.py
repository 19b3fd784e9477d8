"""Who acts: of any number of operators at most one, by its own clock, whatever happens to it or to the API server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from controllers.holder import Holder
from controllers.lease import Lease, LeaseLost
from infra.errors import ClusterUnavailable, EngineInterrupted
from infra.kernel import kernel_line

NAME = ("kunlun-system", "kunlun-operator")
FAR = Holder("far", "another-boot", 1, 1, 1)


class Clock:
    """Time goes by only while somebody sleeps, or when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)

    async def gone_by(self, when: float) -> None:
        """Let the others sleep until then."""
        for _ in range(1000):
            if self.now >= when:
                return
            await asyncio.sleep(0)
        raise AssertionError("nobody sleeps")


@dataclass(slots=True)
class ApiServer:
    """Keeps one Lease as the API server does: a write needs the version that was read."""

    kept: dict[str, Any] | None = None
    answers: bool = True
    loses_answers: bool = False
    writes: int = 0
    version: int = field(default=0)

    async def lease(self, namespace: str, name: str) -> dict[str, Any] | None:
        self._answer()
        return self.kept

    async def write_lease(self, lease: Mapping[str, Any]) -> dict[str, Any] | None:
        self._answer()
        known = lease["metadata"].get("resourceVersion")
        if known != (self.kept["metadata"]["resourceVersion"] if self.kept else None):
            raise ClusterUnavailable("somebody was faster")
        self.version, self.writes = self.version + 1, self.writes + 1
        metadata = {**lease["metadata"], "resourceVersion": str(self.version)}
        self.kept = {**lease, "metadata": metadata}
        if self.loses_answers:
            raise ClusterUnavailable("the answer was lost")
        return self.kept

    @property
    def holder(self) -> str:
        return str(self.kept["spec"]["holderIdentity"]) if self.kept else ""

    def _answer(self) -> None:
        if not self.answers:
            raise ClusterUnavailable("no answer")


def a_lease(api: ApiServer, clock: Clock, holder: Holder = FAR) -> Lease:
    return Lease(api, NAME, holder, clock=clock, sleep=clock.sleep)


def another(name: str) -> Holder:
    return replace(FAR, host=name)


async def test_a_free_lease_is_taken_at_once() -> None:
    """The first operator of a cluster waits for nobody."""
    api, clock = ApiServer(), Clock()
    lease = a_lease(api, clock)
    await lease.acquire()

    assert (FAR.identity, 1000.0) == (api.holder, clock.now)
    lease.ensure_valid()


async def test_a_lease_that_cannot_be_written_is_a_warning_told_once() -> None:
    """Nobody leads meanwhile; who filters the log by level must see it. Standing by is routine."""
    api, clock = ApiServer(answers=False), Clock()
    waiting = a_lease(api, clock)
    with capture_logs() as told:
        acquiring = asyncio.create_task(waiting.acquire())
        for _ in range(20):
            await asyncio.sleep(0)
        api.answers = True
        await acquiring

    assert [("lease not written", "warning"), ("leading", "info")] == [
        (entry["event"], entry["log_level"]) for entry in told
    ]


async def test_another_holder_expires_only_when_its_lease_has_not_moved_for_its_duration_on_our_clock() -> None:
    """The candidate waits its fifteen seconds from when it first looked, whatever times stand in the Lease."""
    api, clock = ApiServer(), Clock()
    await a_lease(api, clock, another("first")).acquire()
    assert api.kept is not None
    api.kept["spec"]["renewTime"] = "1999-01-01T00:00:00.000000Z"
    second = a_lease(api, clock, another("second"))
    await second.acquire()

    assert 15 < clock.now - 1000 < 17
    assert another("second").identity == api.holder


async def test_a_renewed_lease_is_never_taken() -> None:
    """As long as the holder renews, a candidate stands by."""
    api, clock, theirs = ApiServer(), Clock(), Clock()
    first = a_lease(api, theirs, another("first"))
    await first.acquire()
    holding = asyncio.create_task(first.hold())
    waiting = asyncio.create_task(a_lease(api, clock, another("second")).acquire())
    for _ in range(500):
        await asyncio.sleep(0)

    assert not waiting.done() and clock.now - 1000 > 100
    assert another("first").identity == api.holder
    for task in (holding, waiting):
        task.cancel()


async def test_a_holder_that_cannot_renew_stops_before_anybody_else_may_begin() -> None:
    """Its own deadline is shorter than the time the others wait."""
    api, clock = ApiServer(), Clock()
    lease = a_lease(api, clock)
    await lease.acquire()
    api.answers = False
    with pytest.raises(LeaseLost):
        await lease.hold()

    assert 9 < clock.now - 1000 <= 10.5
    with pytest.raises(EngineInterrupted):
        lease.ensure_valid()


async def test_a_stopped_process_finds_itself_expired_before_it_can_change_anything() -> None:
    """Nobody has to tell it: its own clock went on."""
    api, clock = ApiServer(), Clock()
    lease = a_lease(api, clock)
    await lease.acquire()
    clock.now += 10

    assert not lease.valid()


async def test_who_finds_another_holder_has_lost_at_once() -> None:
    """However much time its own clock would still give it."""
    api, clock = ApiServer(), Clock()
    lease = a_lease(api, clock)
    await lease.acquire()
    assert api.kept is not None
    api.kept["spec"]["holderIdentity"] = another("thief").identity
    api.kept["metadata"]["resourceVersion"] = "thief-1"
    with pytest.raises(LeaseLost):
        await lease.hold()

    assert clock.now - 1000 < 4


async def test_a_failed_renewal_is_tried_again() -> None:
    """A few seconds without an API server are no reason to stop; a lost answer neither."""
    api, clock = ApiServer(), Clock()
    lease = a_lease(api, clock)
    await lease.acquire()
    holding = asyncio.create_task(lease.hold())
    for answers, loses in ((False, False), (True, True), (True, False)):
        api.answers, api.loses_answers = answers, loses
        await clock.gone_by(clock.now + 5)

    assert not holding.done()
    lease.ensure_valid()
    holding.cancel()


async def test_validity_counts_from_before_the_request() -> None:
    """An answer that came late does not make the Lease last longer."""

    class Slow(ApiServer):
        async def write_lease(self, lease: Mapping[str, Any]) -> dict[str, Any] | None:
            clock.now += 6
            return await ApiServer.write_lease(self, lease)

    api, clock = Slow(), Clock()
    lease = a_lease(api, clock)
    await lease.acquire()
    clock.now += 4

    assert not lease.valid()


async def test_a_released_lease_is_free() -> None:
    """After SIGTERM the next one begins within its next look; the one before changes nothing any more."""
    api, clock = ApiServer(), Clock()
    first = a_lease(api, clock, another("first"))
    await first.acquire()
    await first.release()
    began = clock.now
    await a_lease(api, clock, another("second")).acquire()

    assert not first.valid()
    assert (another("second").identity, began) == (api.holder, clock.now)


async def test_a_lost_lease_is_not_released() -> None:
    """It is somebody else's by now."""
    api, clock = ApiServer(), Clock()
    lease = a_lease(api, clock)
    await lease.acquire()
    clock.now += 60
    writes = api.writes
    await lease.release()

    assert writes == api.writes


async def test_the_death_of_a_process_of_this_machine_needs_no_waiting() -> None:
    """Restarting after a crash is as fast as it was without a Lease."""
    here, api, clock = Holder.of_this_process(), ApiServer(), Clock()
    sleeper = await asyncio.create_subprocess_exec("sleep", "60")
    first = replace(here, pid=sleeper.pid, start=_start_of(sleeper.pid))
    await a_lease(api, clock, first).acquire()
    alive = not first.is_surely_gone(here)
    sleeper.kill()
    await sleeper.wait()
    await a_lease(api, clock, here).acquire()

    assert alive
    assert (here.identity, 1000.0) == (api.holder, clock.now)


@pytest.mark.parametrize(
    ("differing", "gone"),
    [
        pytest.param({}, False, id="it lives"),
        pytest.param({"start": 1}, True, id="its pid is another's now"),
        pytest.param({"boot": "another", "start": 1}, False, id="another boot's pids mean nothing here"),
        pytest.param({"pid_namespace": 1, "start": 1}, False, id="another container's pids mean nothing here"),
        pytest.param({"host": "another", "start": 1}, False, id="a clone of this machine is another machine"),
    ],
)
def test_death_is_believed_only_where_it_can_be_seen(differing: dict[str, Any], gone: bool) -> None:
    """Same boot, same pid namespace, and the process is not there."""
    here = Holder.of_this_process()

    assert gone == replace(here, **differing).is_surely_gone(here)


@pytest.mark.parametrize("identity", ["", "somebody", "a/b/c/d/e", "a/b/1/2", "a/b/1/2/3/4"])
def test_a_name_we_did_not_give_proves_nothing(identity: str) -> None:
    """Its Lease has to expire."""
    assert Holder.parsed(identity) is None


def test_a_name_can_be_read_back() -> None:
    """What stands in the Lease says exactly which process it was."""
    here = Holder.of_this_process()

    assert here == Holder.parsed(here.identity)
    assert os.getpid() == here.pid


def _start_of(pid: int) -> int:
    line = kernel_line(pid)
    assert line is not None
    return line.start
