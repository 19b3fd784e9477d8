"""What comes next. Pure: from the stage that is asked for, the journal, the gates and the clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from controllers.api.cutover import Stage
from controllers.api.cutoversteps import Side, Step
from controllers.api.times import later_by, seconds_between
from controllers.cutover.facts import Facts
from controllers.cutover.gates import gate, opens_at
from controllers.cutover.journal import Attempt
from controllers.cutover.rules import Refusal, window_is_over
from controllers.cutover.way import way_back, way_forward

FAILURES = "failures in a row"  # the measure by which a watch says that the criteria for a rollback are met
REST_SECONDS = (5.0, 15.0, 60.0)  # after the first failed attempt, the second, every other


@dataclass(frozen=True, slots=True)
class Course:
    """The way that is gone, and how far it is."""

    steps: Sequence[Step]
    done: int
    back: bool

    @property
    def next(self) -> Step | None:
        return self.steps[self.done] if self.done < len(self.steps) else None


@dataclass(frozen=True, slots=True)
class Run:
    """This step is to be run now."""

    course: Course
    step: Step
    attempt: int


@dataclass(frozen=True, slots=True)
class Underway:
    """The step that this operator runs goes on."""

    course: Course
    step: Step
    attempt: int


@dataclass(frozen=True, slots=True)
class Stop:
    """The step that this operator runs is to end: somebody asked for another way."""

    course: Course
    step: Step


@dataclass(frozen=True, slots=True)
class Closed:
    """The gate of the next step is closed; `opens` when time alone opens it."""

    course: Course
    step: Step
    refusals: tuple[Refusal, ...]
    opens: str | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody else runs a step, or one that failed rests until it is tried again."""

    course: Course
    step: Step
    until: str
    runner: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Reached:
    """All steps of the way are done."""

    course: Course


Decision = Run | Underway | Stop | Closed | Waiting | Reached


def decide(facts: Facts, *, operator: str, running: bool = False) -> Decision:
    """What the operator does next.

    `operator` is the name under which it writes the journal; `running` says whether it is at the attempt that is open
    there. One that it began and is not at any more was killed, and is begun anew.
    """
    course, attempt = course_of(facts), facts.journal.open()
    if attempt is not None and running:
        return _underway(facts, course, attempt)
    if attempt is not None and attempt.begun.spec.by != operator and _is_waited_for(attempt, course, facts.now):
        begun = attempt.begun.spec
        return Waiting(course, begun.step, begun.until or facts.now, runner=begun.by)
    if course.next is None:
        return Reached(course)
    return _resting(facts, course, course.next) or _begin(facts, course, course.next)


def course_of(facts: Facts) -> Course:
    """Which way is gone, and how many of its steps are done."""
    back = goes_back(facts)
    steps = way_back(facts.journal) if back else way_forward(facts.spec.stage, facts.journal)
    done = next((n for n, step in enumerate(steps) if facts.journal.done(step) is None), len(steps))
    return Course(steps, done, back)


def goes_back(facts: Facts) -> bool:
    """Whether the way leads back to the source: by request, by a window that is over, or by what a watch has seen.

    Once the source is being opened there is no other way. What is released knows no way back; its gate says so when one
    is asked for. A service that lives nowhere goes on only while a cut is asked for.
    """
    journal, stage = facts.journal, facts.spec.stage
    if journal.live is Side.SOURCE:
        return False
    if journal.release_time is not None:
        return stage is Stage.ROLL_BACK
    if journal.returning() or stage is Stage.ROLL_BACK:
        return True
    if stage is not Stage.CUT:
        return journal.live is Side.NEITHER
    if journal.switched_time is None:
        return window_is_over(facts)
    return _goes_back_by_itself(facts)


def _is_waited_for(attempt: Attempt, course: Course, now: str) -> bool:
    """A watch changes nothing, and may last for weeks: nobody who goes back waits for its end."""
    return still_runs(attempt, now) and not (course.back and attempt.begun.spec.step is Step.WATCH)


def still_runs(attempt: Attempt, now: str) -> bool:
    """Whether whoever began it may still be at it: one works on a cutover at a time, until it said it will have."""
    return attempt.begun.spec.until is not None and seconds_between(now, attempt.begun.spec.until) > 0


def _underway(facts: Facts, course: Course, attempt: Attempt) -> Decision:
    """What runs is let run to its end, even past the window's: no step is begun then. Only a person stops it."""
    step = attempt.begun.spec.step
    if step in course.steps or facts.spec.stage is Stage.CUT:
        return Underway(course, step, attempt.begun.spec.attempt)
    return Stop(course, step)


def _resting(facts: Facts, course: Course, step: Step) -> Waiting | None:
    """After a failure on this way, the next attempt waits a little, longer each time. A new way begins at once."""
    failures = facts.journal.failures()
    if not failures or failures[-1].spec.step not in course.steps:
        return None
    until = later_by(failures[-1].time, REST_SECONDS[min(len(failures), len(REST_SECONDS)) - 1])
    if seconds_between(facts.now, until) <= 0:
        return None
    return Waiting(course, step, until, failure=failures[-1].spec.note)


def _begin(facts: Facts, course: Course, step: Step) -> Decision:
    if refusals := gate(step, facts):
        return Closed(course, step, tuple(refusals), opens_at(refusals))
    return Run(course, step, len(facts.journal.attempts(step)) + 1)


def _goes_back_by_itself(facts: Facts) -> bool:
    """By what the watch has seen; once a switch. If more would be lost than the spec allows, people decide."""
    limit = facts.spec.supervision.roll_back_after_failures
    return limit > 0 and facts.journal.criteria_met(FAILURES, limit) and not facts.is_barred
