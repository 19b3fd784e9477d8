"""Alive and ready: what a new process would cure, and what this one is asked to do."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest
from yarl import URL

from controllers.api.stored import KINDS
from controllers.health import Signs, liveness, readiness
from controllers.hearing import DEAD_SECONDS, Hearing
from tests.counted import counted

HEARD = {kind.plural: 60.0 for kind in KINDS}
LEADING = Signs(candidate=True, leading=True, unanswered_seconds=2, silences=HEARD, lists_in=True)
STANDING_BY = Signs(candidate=True, unanswered_seconds=1)


class Clock:
    """Moves when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Kopf:
    """Whoever uses the connection: answers begin, and bytes arrive on them."""

    def __init__(self, hearing: Hearing) -> None:
        self._hearing = hearing

    async def asks(self, plural: str, *, status: int = 200, watch: bool = True) -> SimpleNamespace:
        url = URL(f"https://api/apis/kunlun.cloud/v1alpha1/{plural}").with_query({"watch": "true"} if watch else {})
        content = SimpleNamespace(total_raw_bytes=0)
        response = SimpleNamespace(status=status, content=content)
        told = SimpleNamespace(method="GET", url=url, response=response)
        await self._hearing._answered(cast(Any, None), SimpleNamespace(), cast(Any, told))
        return content


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def hearing(clock: Clock) -> Hearing:
    found = Hearing(clock=clock)
    found.expect()
    return found


@pytest.mark.parametrize(
    ("signs", "alive", "ready", "because"),
    [
        pytest.param(LEADING, True, True, "leads", id="leads, and every watch is heard of"),
        pytest.param(STANDING_BY, True, True, "stands by", id="a standby that could take over"),
        pytest.param(Signs(), True, False, "state folder", id="another operator has its folder"),
        pytest.param(
            Signs(candidate=True, unanswered_seconds=math.inf), True, False, "does not answer", id="no API server"
        ),
        pytest.param(
            Signs(candidate=True, leading=True, silences=HEARD), True, False, "reads", id="the lists are not in yet"
        ),
        pytest.param(
            Signs(candidate=True, leading=True, silences={**HEARD, "plans": DEAD_SECONDS + 1}, lists_in=True),
            False,
            False,
            "plans",
            id="one watch of many is dead",
        ),
        pytest.param(
            Signs(candidate=True, leading=True, lists_in=False), True, False, "reads", id="kinds are not installed"
        ),
    ],
)
def test_what_a_new_process_would_cure_is_not_alive(signs: Signs, alive: bool, ready: bool, because: str) -> None:
    """A dead watch ends the process; what is wrong elsewhere only makes it unready."""
    assert (alive, ready) == (liveness(signs).well, readiness(signs).well)
    assert because in readiness(signs).because


async def test_a_bookmark_is_heard_although_nobody_passes_it_on(hearing: Hearing, clock: Clock) -> None:
    """Bytes that arrive on a watch since the last question count as heard now."""
    stream = await Kopf(hearing).asks("plans")
    clock.now += 100
    before = hearing.silences()["plans"]
    stream.total_raw_bytes += 80

    assert (100, 0) == (before, hearing.silences()["plans"])
    clock.now += 30
    assert 30 == hearing.silences()["plans"]


async def test_each_kind_is_heard_for_itself(hearing: Hearing, clock: Clock) -> None:
    """A cluster that talks about requests all the time says nothing about the watch of approvals."""
    clock.now += 200
    await Kopf(hearing).asks("resourcerequests")

    silences = hearing.silences()
    assert (0, 200) == (silences["resourcerequests"], silences["approvals"])
    assert {kind.plural for kind in KINDS} == silences.keys()


async def test_a_refused_watch_is_not_heard(hearing: Hearing, clock: Clock) -> None:
    """An answer that is no watch proves nothing."""
    clock.now += 10
    await Kopf(hearing).asks("plans", status=403)

    assert 10 == hearing.silences()["plans"]


async def test_beginning_anew_does_not_excuse_silence(hearing: Hearing, clock: Clock) -> None:
    """Kopf that ends and begins again and again without an answer is as dead as one that hangs."""
    clock.now += 50
    hearing.expect()
    stale = hearing.silences()["plans"]
    hearing.excuse()

    assert (50, {}) == (stale, hearing.silences())


async def test_a_watch_counts_as_a_call(hearing: Hearing) -> None:
    """Kopf's own calls are in the figures, too."""
    await Kopf(hearing).asks("plans", status=410)
    await Kopf(hearing).asks("plans", watch=False)
    hearing.excuse()
    failed = SimpleNamespace(method="GET", url=URL("https://api/apis/kunlun.cloud/v1alpha1/zones"))
    await hearing._failed(cast(Any, None), SimpleNamespace(), cast(aiohttp.TraceRequestExceptionParams, failed))

    found = counted(hearing.measures.calls)
    assert 1 == found["watch", "plans", "410"]
    assert 1 == found["list", "plans", "200"]
    assert 1 == found["list", "zones", "unanswered"]
