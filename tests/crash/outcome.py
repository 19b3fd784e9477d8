"""Carrying out runs, in as many lanes as there are, and what came of them."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.crash.lane import PATIENCE_SECONDS, PRODUCT, Interrupted, Lane, a_lane
from tests.crash.points import Life, Phase, Point, lives
from tests.crash.run import Run
from tests.crash.verdict import Verdict

LANES = 3  # on two cores: runs mostly wait


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one point and seed. A run that did not come to its end counts as lost.

    `points` are all that its request came to: together with the seed they make the run again.
    """

    point: str
    points: tuple[str, ...]
    seed: int
    verdict: Verdict
    seconds: float

    def __str__(self) -> str:
        verdict = self.verdict
        found = [
            f"{word}: {', '.join(names)}"
            for word, names in (("lost", verdict.lost), ("doubled", verdict.doubled), ("left over", verdict.left_over))
            if names
        ]
        again = f"; again by --points {','.join(self.points)} --seed {self.seed}" if found else ""
        return f"{self.point} seed {self.seed}: {'; '.join(found) or 'exact'} ({self.seconds:.1f} s){again}"


Ask = tuple[Life, int, tuple[Future[Outcome], ...]]


def outcomes_of(lane: Lane, life: Life, seed: int) -> Iterator[Outcome]:
    """The runs of a life, one after the other. Raises Interrupted only.

    What is done to a request that went wrong before would show nothing: such a run counts as lost.
    """
    run, exact = Run.of(lane, life[0].name, seed), True
    for point in life:
        began = time.monotonic()
        verdict = _verdict(run, point, life, seed) if exact else Verdict(lost=("the request went wrong before",))
        exact = verdict.is_exact
        yield Outcome(point.name, tuple(each.name for each in life), seed, verdict, time.monotonic() - began)


def _verdict(run: Run, point: Point, life: Life, seed: int) -> Verdict:
    try:
        if point is not life[0]:
            run.turn_to(point.name, seed)
        _carry_out(run, point, life)
    except Interrupted:
        raise
    except Exception as error:
        return run.verdict + Verdict(lost=(f"the run itself: {type(error).__name__}: {error}",)) + _seen(run)
    else:
        return run.verdict
    finally:
        run.lane.book.clear()
        run.lane.dismiss()


def _seen(run: Run) -> Verdict:
    """What there is to see of a run that went wrong; nothing, if not even that can be seen."""
    try:
        return run.present()
    except Exception:  # the run's own error is the one to tell
        return Verdict()


def _carry_out(run: Run, point: Point, life: Life) -> None:
    match point.phase:
        case Phase.BUILDING:
            if point is not life[0]:
                run.grow()
            run.ask()
            point.act(run)
            run.ready()
            if point is life[-1]:
                run.delete()
                run.gone()
        case Phase.REMOVAL:
            if point is life[0]:
                run.built()
            point.act(run)
            run.gone()
        case Phase.PAIR:
            point.act(run)


class Lanes:
    """Runs, side by side. `ask` may be called at any time; the lanes start with the first."""

    def __init__(
        self,
        number: int,
        home: Path | None = None,
        entry: tuple[str, ...] = PRODUCT,
        *,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        """`home` is a running sandbox to be used by one lane, in the place of new ones."""
        self._home, self._entry, self._patience_seconds = home, entry, patience_seconds
        self._asked: queue.SimpleQueue[Ask | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._number = 1 if home else number
        self._pool = ThreadPoolExecutor(self._number, thread_name_prefix="lane")
        self._failures: list[BaseException] = []

    def __enter__(self) -> Lanes:
        for _ in range(self._number):
            self._pool.submit(self._work)
        return self

    def __exit__(self, *raised: object) -> None:
        """Ends what runs at its next step, and waits until nothing of it is left."""
        self._stopping.set()
        for _ in range(self._number):
            self._asked.put(None)
        self._pool.shutdown(wait=True)
        if self._failures:
            raise BaseExceptionGroup("lanes could not be ended", self._failures)

    def ask(self, names: Iterable[str], seed: int) -> dict[str, Future[Outcome]]:
        """Outcomes to come, by point."""
        futures: dict[str, Future[Outcome]] = {}
        for life in lives(names, seed):
            coming = tuple(Future[Outcome]() for _ in life)
            futures |= {point.name: future for point, future in zip(life, coming, strict=True)}
            self._asked.put((life, seed, coming))
        return futures

    def _work(self) -> None:
        while asked := self._next():
            self._in_a_lane(asked)

    def _next(self) -> Ask | None:
        """Whatever is asked for next; None at the end, however often it is asked: each lane has one wake-up only."""
        if self._stopping.is_set():
            return None
        asked = self._asked.get()
        return None if self._stopping.is_set() else asked

    def _in_a_lane(self, asked: Ask | None) -> None:
        """Work until the end, or until a run went wrong: what it left must not be the next one's fault."""
        try:
            with a_lane(self._stopping, self._home, self._entry, self._patience_seconds) as lane:
                while asked:
                    life, seed, futures = asked
                    for future, outcome in zip(futures, outcomes_of(lane, life, seed), strict=True):
                        future.set_result(outcome)
                    exact, asked = outcome.verdict.is_exact, None
                    if exact:
                        asked = self._next()
        except BaseException as error:
            if asked is None:
                self._failures.append(error)
            else:
                for future in asked[2]:
                    if not future.done():
                        future.set_exception(error)


def table(outcomes: Sequence[Outcome]) -> str:
    """Point × (runs, lost, doubled, left over, seconds)."""
    lines = [f"{'point':28} {'runs':>5} {'lost':>5} {'doubled':>8} {'left over':>10} {'seconds':>8}"]
    for name in dict.fromkeys(outcome.point for outcome in outcomes):
        runs = [outcome for outcome in outcomes if outcome.point == name]
        lines.append(_line(name, runs))
    lines.append(_line("all", list(outcomes)))
    return "\n".join(lines)


def _line(name: str, runs: list[Outcome]) -> str:
    lost = sum(len(run.verdict.lost) for run in runs)
    doubled = sum(len(run.verdict.doubled) for run in runs)
    left_over = sum(len(run.verdict.left_over) for run in runs)
    seconds = sum(run.seconds for run in runs) / max(len(runs), 1)
    return f"{name:28} {len(runs):5} {lost:5} {doubled:8} {left_over:10} {seconds:8.1f}"
