"""One request from its plan to its end, with everything of its life going wrong on the way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from infra.stackplan import StackPlan
from tests.crash.lane import Interrupted
from tests.crash.story import WatchedStory
from tests.crash.verdict import Verdict, listed, verdict_on
from tests.faults.table.judging import Result
from tests.faults.table.lives import Life
from tests.faults.table.places import Place
from tests.faults.table.rows import Row
from tests.faults.table.statuses import Shown

PATIENCE_SECONDS = 360.0
"""Without anything happening: the operator never rests for longer than five minutes, nor waits for servers to go."""
POLL_SECONDS = 0.2
SETTLING_SECONDS = 5.0


class NotHealed(Exception):
    """What must come did not come; the message says what was shown instead."""


@dataclass(slots=True)
class Living:
    """A life in a place. Rows are armed where they belong, and ended when they were seen."""

    life: Life
    place: Place
    ends: dict[str, float] = field(default_factory=dict)
    _armed: tuple[Row, ...] = ()
    _changed_at: float = field(default_factory=time.monotonic)
    _known: tuple[object, ...] = ()

    @property
    def story(self) -> WatchedStory:
        return WatchedStory(self.place.sandbox, self.life.name)

    @property
    def caller(self) -> WatchedStory:
        """Of a linked life, the request beside it. Nothing goes wrong with it."""
        return WatchedStory(self.place.sandbox, f"{self.life.name}-caller")

    def results(self) -> list[Result]:
        """Carry it through and judge every row."""
        pid, unfinished, verdict = self.place.operator_pid(), "", Verdict()
        try:
            verdict = self._built() + self._removed()
        except NotHealed as error:
            unfinished = str(error)
        self.place.script.rows = ()
        lived = pid is not None and self.place.operator_pid() == pid
        deviations = (*verdict.lost, *verdict.doubled, *verdict.left_over)
        return [
            Result(row, until, lived, deviations, "" if row.went_on or until < math.inf else unfinished)
            for row, until in self._stretches()
        ]

    def _built(self) -> Verdict:
        story, self.place.script.request = self.story, self.life.name
        if self.life.is_linked:
            self._called()
        else:
            story.apply(**self.place.spec())
            self._until(lambda: self._condition("Planned") == "Planned", "a plan")
        self._arm(self.life.building)
        for decided in story.decisions(self.place.statuses.read(story.name)["status"]["plan"]):
            if decided.returncode:
                raise NotHealed(decided.stderr)
        self._until(lambda: self._history()[-1].ready, "Ready")
        self.ends["built"] = time.monotonic()
        self._see()
        plans = [self._in_force(one) for one in ((story, self.caller) if self.life.is_linked else (story,))]
        return self._settled(lambda: verdict_on(listed(self.place.sandbox.clouds, self.place.project), plans))

    def _called(self) -> None:
        """Until there is a plan with everything of a link, and the caller is in force and built."""
        caller = self.caller
        caller.apply(**self.place.caller_spec())
        self._until(lambda: "plan" in self._status(caller), "a plan of the caller")
        self.story.apply(**self.place.called_spec(caller.name))
        self._until(lambda: self._condition("Planned") == "Planned", "a plan")
        self._until(lambda: bool(caller.plan(self._status(caller)["plan"]).stack.calls), "a plan that calls")
        caller.approve()
        self._until(lambda: self.place.statuses.history(caller.name)[-1].ready, "a caller that is Ready")

    def _status(self, story: WatchedStory) -> dict[str, Any]:
        return dict(self.place.statuses.read(story.name).get("status", {}))

    def _in_force(self, story: WatchedStory) -> StackPlan:
        return story.plan(self._status(story)["approvedPlan"]).stack

    def _removed(self) -> Verdict:
        waiting = list(self.life.listing)
        self._arm((*waiting[:1], *self.life.removing))
        self.story.delete(wait=False)
        while waiting:
            first = waiting.pop(0)
            self._until(partial(self._is_through, first), f"the end of {first.name}", or_gone=True)
            self._arm((*waiting[:1], *self.life.removing))
        self._until(self._is_gone, "the end of the request")
        self.ends["removed"] = time.monotonic()
        self._see()
        if self.life.is_linked:
            self._arm(())
            self.caller.delete(wait=False)
            self._until(lambda: not self.place.statuses.read(self.caller.name), "the end of the caller")
        return verdict_on(listed(self.place.sandbox.clouds, self.place.project), ())

    def _is_through(self, row: Row) -> bool:
        """Its fault is over, and was shown or got over: the next look meets the next row."""
        return row.ended is not None and (row.told is not None or row.went_on is not None)

    def _is_gone(self) -> bool:
        return not self.place.statuses.read(self.life.name)

    def _arm(self, rows: tuple[Row, ...]) -> None:
        self._armed = rows
        self.place.script.rows = rows

    def _until(self, holds: Callable[[], bool], what: str, *, or_gone: bool = False) -> None:
        """Raises NotHealed when nothing happens any more and it is still not so."""
        self._changed_at = time.monotonic()
        self.place.statuses.looked_again()
        while not (holds() or (or_gone and self._is_gone())):
            if self.place.stopping.is_set():
                raise Interrupted
            self._see()
            if time.monotonic() > self._changed_at + PATIENCE_SECONDS or self.place.operator_pid() is None:
                shown = self._history()[-1:]
                raise NotHealed(f"no {what}; {'; '.join(f'{one.reason}: {one.message}' for one in shown)}")
            time.sleep(POLL_SECONDS)

    def _see(self) -> None:
        """Attribute what is shown, end what has lasted, and note whether anything moves."""
        now = time.monotonic()
        for row, until in self._stretches():
            row.see(self._history(), until)
            if row.may_end(now):
                row.end(now)
        known = tuple((len(row.arrivals), row.ended, row.went_on) for row in self.life.rows)
        if known != self._known:
            self._known, self._changed_at = known, now

    def _stretches(self) -> Iterator[tuple[Row, float]]:
        """Each row and the moment from which on what is shown is not because of it any more: the next one's first."""
        begun = sorted(row.arrivals[0] for row in self.life.rows if row.arrivals)
        for row in self.life.rows:
            later = (at for at in begun if row.arrivals and at > row.arrivals[0])
            phase = "built" if row in self.life.building else "removed"
            yield row, min(next(later, math.inf), self.ends.get(phase, math.inf))

    def _history(self) -> list[Shown]:
        return self.place.statuses.history(self.life.name) or [Shown(0.0, ready=False, reason="Absent", message="")]

    def _condition(self, name: str) -> str:
        conditions = self.place.statuses.read(self.life.name).get("status", {}).get("conditions", ())
        return next((str(item["reason"]) for item in conditions if item["type"] == name), "Absent")

    def _settled(self, found: Callable[[], Verdict]) -> Verdict:
        """The comparison, repeated for a moment: a call that was given up may still take effect."""
        deadline = time.monotonic() + SETTLING_SECONDS
        while not (verdict := found()).is_exact and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return verdict
