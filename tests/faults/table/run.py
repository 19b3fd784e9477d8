"""Carrying out lives, as many side by side as there are places."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.crash.lane import a_lane
from tests.faults.table.faults import CALL_DEADLINE_SECONDS
from tests.faults.table.judging import Result
from tests.faults.table.life import Living
from tests.faults.table.lives import Life
from tests.faults.table.places import Place, places
from tests.faults.table.rows import Row
from tests.faults.table.statuses import Statuses
from tests.faults.table.upkeep import kept_objects, shared_out

TENANTS = 4
OPTIONS = ("--call-deadline", f"{CALL_DEADLINE_SECONDS:.0f}")


def results_of(
    lives: Sequence[Life],
    upkeep: Sequence[Row],
    *,
    side_by_side: int,
    home: Path | None,
    heard: Callable[[Result], None] = lambda _: None,
) -> list[Result]:
    """All rows; `heard` is told of each as soon as it is known, from several threads."""
    with (
        a_lane(threading.Event(), home, options=OPTIONS) as lane,
        Statuses(lane.sandbox.home / "kubeconfig") as statuses,
        places(lane, min(side_by_side, len(lives)), statuses) as homes,
        kept_objects(lane, TENANTS if upkeep else 0) as kept,
        ThreadPoolExecutor(1 + len(kept), thread_name_prefix="part") as pool,
    ):
        parts = [pool.submit(_in_places, homes, lives, heard)] if lives else []
        parts += [pool.submit(one.results, rows, heard) for one, rows in shared_out(upkeep, kept)]
        try:
            return [result for part in parts for result in part.result()]
        finally:
            lane.stopping.set()  # whatever still runs has no reader any more


def _in_places(homes: Sequence[Place], lives: Sequence[Life], heard: Callable[[Result], None]) -> list[Result]:
    """A place in which a request did not come to its end takes no other: what is left would be the next one's fault."""
    waiting: queue.SimpleQueue[Life] = queue.SimpleQueue()
    for life in sorted(lives, key=lambda life: -len(life.rows)):
        waiting.put(life)
    found: list[Result] = []

    def work(place: Place) -> None:
        while True:
            try:
                life = waiting.get_nowait()
            except queue.Empty:
                return
            results = Living(life, place).results()
            found.extend(results)
            for result in results:
                heard(result)
            if any(result.unfinished for result in results):
                return

    with ThreadPoolExecutor(len(homes), thread_name_prefix="place") as pool:
        for done in [pool.submit(work, place) for place in homes]:
            done.result()
    unlived = [waiting.get_nowait() for _ in range(waiting.qsize())]
    for row in (row for life in unlived for row in life.rows):
        found.append(Result(row, 0.0, True, (), "no place was left for it"))
        heard(found[-1])
    return found
