"""A cutover's journal, read: what is done, what is open, which side is live. Pure.

A step that is done stays done until something undoes it: freezing the target undoes its unfreezing, and so on. How
often that happened is the step's turn, a part of its idempotence key: so a killed run is continued, and a way that is
gone for the second time is gone in full. What was tried is about one plan of the target: with another it is tried anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from controllers.api.cutover import scope_of
from controllers.api.cutoverstep import CutoverStepSpec, step_key
from controllers.api.cutoversteps import Event, Side, Step
from controllers.api.stored import Cutover, CutoverStep
from controllers.api.times import seconds_between
from infra.stackplan import canonical_digest

Mark = tuple[Step, Event]
T = TypeVar("T")

TRIED = frozenset({Step.PREFLIGHT, Step.ADAPT, Step.REHEARSE, Step.START_TRIAL, Step.STRESS_TRIAL, Step.END_TRIAL})
_BACK = (Step.UNFREEZE_SOURCE, Event.BEGUN)
_CLOSED = (Step.FREEZE_TARGET, Event.BEGUN)
_OPENED = (Step.UNFREEZE_TARGET, Event.BEGUN)
_RETURNED = (Step.RETURN_CALLERS, Event.BEGUN)
UNDONE_BY: Mapping[Step, frozenset[Mark]] = {
    Step.FREEZE_SOURCE: frozenset({_BACK}),
    Step.FINAL_SYNC: frozenset({_BACK, (Step.VERIFY_COPY, Event.FAILED)}),
    Step.VERIFY_COPY: frozenset({_BACK}),
    Step.SWITCH_CALLERS: frozenset({_BACK, _RETURNED}),
    Step.VERIFY_ZONES: frozenset({_BACK, _RETURNED}),
    Step.UNFREEZE_TARGET: frozenset({_BACK, _CLOSED}),
    Step.WATCH: frozenset({_BACK, _CLOSED}),
    Step.RETAIN: frozenset({_BACK}),
    Step.FREEZE_TARGET: frozenset({_OPENED}),
    Step.COUNT_LOSSES: frozenset({_OPENED}),
    Step.RETURN_CALLERS: frozenset({(Step.SWITCH_CALLERS, Event.BEGUN)}),
    Step.UNFREEZE_SOURCE: frozenset({(Step.FREEZE_SOURCE, Event.BEGUN)}),
}
_TURNS: Mapping[Mark, Side] = {
    (Step.FREEZE_SOURCE, Event.BEGUN): Side.NEITHER,
    (Step.UNFREEZE_TARGET, Event.DONE): Side.TARGET,
    (Step.FREEZE_TARGET, Event.BEGUN): Side.NEITHER,
    (Step.UNFREEZE_SOURCE, Event.DONE): Side.SOURCE,
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line; `time` and `version` are the API server's."""

    spec: CutoverStepSpec
    time: str
    version: int

    @property
    def mark(self) -> Mark:
        return self.spec.step, self.spec.event


@dataclass(frozen=True, slots=True)
class Attempt:
    """A begun attempt, and how it ended; `end` is None while it runs, or when its runner was killed."""

    begun: Line
    end: Line | None = None

    @property
    def is_done(self) -> bool:
        return self.end is not None and self.end.spec.event is Event.DONE

    @property
    def measured(self) -> Mapping[str, str]:
        """By name; empty while it has not ended."""
        return {item.name: item.value for item in self.end.spec.measured} if self.end else {}


@dataclass(frozen=True, slots=True)
class Journal:
    """All lines of one cutover, in the order in which the API server took them.

    `scope` is what moves, `tried` what is tried besides: the target's plan, and what the trial asks.
    """

    uid: str
    scope: str
    tried: str = ""
    lines: tuple[Line, ...] = ()

    def key(self, step: Step) -> str:
        """The idempotence key of the step as it would be run now."""
        undoing = UNDONE_BY.get(step, frozenset())
        turn = sum(line.mark in undoing for line in self.lines)
        scope = f"{self.scope} {self.tried}" if step in TRIED else self.scope
        return step_key(uid=self.uid, scope=scope, step=step, turn=turn)

    def attempts(self, step: Step) -> tuple[Attempt, ...]:
        """Those at the step as it would be run now, not at earlier turns of it."""
        key = self.key(step)
        lines = [line for line in self.lines if line.spec.key == key and line.spec.step is step]
        ends = {line.spec.attempt: line for line in lines if line.spec.event is not Event.BEGUN}
        return tuple(Attempt(one, ends.get(one.spec.attempt)) for one in lines if one.spec.event is Event.BEGUN)

    def done(self, step: Step) -> Attempt | None:
        """The attempt that did it, if nothing has undone it."""
        return next((one for one in self.attempts(step) if one.is_done), None)

    def open(self) -> Attempt | None:
        """The newest attempt that has not ended, at whatever step: it may still run.

        Nobody is at two: whoever begins another has given up the one before.
        """
        ended = {(line.spec.key, line.spec.attempt) for line in self.lines if line.spec.event is not Event.BEGUN}
        newest = {line.spec.by: line for line in self.lines if line.spec.event is Event.BEGUN}
        unended = (line for line in newest.values() if (line.spec.key, line.spec.attempt) not in ended)
        return max((Attempt(line) for line in unended), key=lambda one: one.begun.version, default=None)

    @property
    def live(self) -> Side:
        """Which side takes writes, as far as is known; Neither from the moment when the first is about to stop."""
        return _last(side for _time, side in self.turns()) or Side.SOURCE

    def turns(self) -> Iterator[tuple[str, Side]]:
        """When which side began to be the one that takes writes, in order. At first it is the source."""
        return ((line.time, _TURNS[line.mark]) for line in self.lines if line.mark in _TURNS)

    def begun_since_frozen(self, step: Step) -> bool:
        """Whether the step was begun since the source was frozen for this cut; it may have had its effect."""
        return any(line.mark == (step, Event.BEGUN) for line in self._passage())

    @property
    def frozen_time(self) -> str | None:
        """When freezing the source was begun, of the cut that goes on or is over."""
        return next((line.time for line in self._passage()), None)

    @property
    def switched_time(self) -> str | None:
        """When the target began to take writes, last; None before, and after a return to the source."""
        return _last(line.time for line in self._passage() if line.mark == (Step.UNFREEZE_TARGET, Event.DONE))

    @property
    def first_switched_time(self) -> str | None:
        """When the target first took writes after the source was frozen."""
        marks = (line.time for line in self._passage() if line.mark == (Step.UNFREEZE_TARGET, Event.DONE))
        return next(marks, None)

    def returning(self) -> bool:
        """The source may be on its way to take writes: from here on the only way is back."""
        return bool(self.attempts(Step.UNFREEZE_SOURCE)) and self.done(Step.UNFREEZE_SOURCE) is None

    def criteria_met(self, measure: str, limit: int) -> bool:
        """Whether the first watch after the switch failed by this measure, and the target was opened only once."""
        passage = self._passage()
        opened = [n for n, line in enumerate(passage) if line.mark == (Step.UNFREEZE_TARGET, Event.DONE)]
        watched = [line for line in passage if line.mark == (Step.WATCH, Event.FAILED)]
        if len(opened) != 1 or not watched:
            return False
        counted = {item.name: item.value for item in watched[-1].spec.measured}
        return int(counted.get(measure, "0")) >= limit

    def failures(self) -> tuple[Line, ...]:
        """The failed attempts since the last step that was done."""
        ended = [line for line in self.lines if line.spec.event is not Event.BEGUN]
        done = [n for n, line in enumerate(ended) if line.spec.event is Event.DONE]
        return tuple(ended[done[-1] + 1 if done else 0 :])

    @property
    def frozen_scope(self) -> str | None:
        """What was to move when the source was frozen, of the cut that goes on or is over."""
        return next((line.spec.scope for line in self._passage()), None)

    @property
    def returned_generation(self) -> int | None:
        """The cutover's generation when the source took writes again, last."""
        mark = (Step.UNFREEZE_SOURCE, Event.DONE)
        return _last(line.spec.generation for line in self.lines if line.mark == mark)

    @property
    def release_time(self) -> str | None:
        """When releasing the original was begun; from then on it cannot be counted on."""
        return next((line.time for line in self.lines if line.mark == (Step.RELEASE, Event.BEGUN)), None)

    @property
    def released_time(self) -> str | None:
        """When the original was gone."""
        released = self.done(Step.RELEASE)
        return released.end.time if released and released.end else None

    def _passage(self) -> Sequence[Line]:
        """From the first freezing of the source that no return to it has ended."""
        returns = [n for n, line in enumerate(self.lines) if line.mark == (Step.UNFREEZE_SOURCE, Event.DONE)]
        rest = self.lines[returns[-1] + 1 if returns else 0 :]
        first = next((n for n, line in enumerate(rest) if line.mark == (Step.FREEZE_SOURCE, Event.BEGUN)), len(rest))
        return rest[first:]


def journal_of(cutover: Cutover, plan_digest: str, steps: Sequence[CutoverStep]) -> Journal:
    """The journal of this very cutover. Lines of another of the same name are not its own."""
    uid, spec = cutover.meta.uid, cutover.spec
    own = [Line(one.spec, one.meta.created, one.meta.version) for one in steps if one.spec.cutover_uid == uid]
    tried = canonical_digest({"plan": plan_digest, "trial": spec.trial.model_dump(mode="json")})
    lines = sorted(own, key=lambda line: line.version)
    return Journal(uid, scope_of(spec), tried, tuple(sound(lines)))


def sound(lines: Sequence[Line]) -> Iterator[Line]:
    """Who begins an attempt ends it, and nobody else; an end of what was never begun says nothing.

    Nor does one that comes later than its attempt was over: when others had gone on by then, it is not where they are.
    """
    begun: dict[tuple[Step, str, int, str], Line] = {}
    newest: Line | None = None
    for line in lines:
        identity = (line.spec.step, line.spec.key, line.spec.attempt, line.spec.by)
        if line.spec.event is Event.BEGUN:
            begun[identity] = newest = line
            yield line
        elif (first := begun.get(identity)) is not None and (first is newest or not _is_over(first, line.time)):
            yield line


def _is_over(begun: Line, time: str) -> bool:
    return begun.spec.until is not None and seconds_between(begun.spec.until, time) > 0


def _last(found: Iterator[T]) -> T | None:
    last = None
    for item in found:
        last = item
    return last
