"""Steps as playbooks: `playbooks/cutover/site.yml`, one step of one cutover a run, by the operator's bounded runs.

People run the same playbooks by hand; what is different is only who asks the gate and writes the journal.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from controllers.api.cutoverstep import MOST_MEASURES, Measure
from controllers.api.cutoversteps import Step
from controllers.api.times import utc_now
from controllers.cutover.facts import Facts
from controllers.cutover.hosts import Sides, guests_of, inventory_of, pins_of, sides_of
from controllers.cutover.runner import Begun, Ended, Errand, Outcome
from controllers.cutover.variables import row_seconds, variables_of, watch_seconds
from controllers.playbooks.moments import Course, Moment
from controllers.playbooks.reach import GuestAccess
from controllers.playbooks.runs import Job, Runs
from controllers.request.pins import pinned
from infra.errors import EngineInterrupted, KunlunError, ManagementMissing, PlaybookFailed

FOLDER = Path(__file__).parents[2] / "playbooks"
MARGIN_SECONDS = 300.0  # beyond what a step is meant to take: to connect, and to end what is left


@dataclass(slots=True)
class Work:
    """An errand that was begun here."""

    errand: Errand
    task: asyncio.Task[None]
    outcome: Outcome | None = None


@dataclass(slots=True)
class PlaybookRunner:
    """`hooks` is a folder, or empty."""

    runs: Runs
    access: GuestAccess
    hooks: str = ""
    site: Path = FOLDER / "cutover" / "site.yml"
    ended: Ended = lambda _namespace, _name: None
    now: Callable[[], str] = utc_now
    monotonic: Callable[[], float] = time.monotonic
    _works: dict[str, Work] = field(default_factory=dict)

    def deadline_seconds(self, step: Step, facts: Facts) -> float:
        match step:
            case Step.WATCH:
                return watch_seconds(facts) + row_seconds(facts) + MARGIN_SECONDS
            case Step.STRESS_TRIAL:
                return facts.spec.trial.stress.seconds + self.access.deadline_seconds
            case _:
                return self.access.deadline_seconds

    def at_work(self, uid: str) -> Errand | None:
        work = self._works.get(uid)
        return work.errand if work else None

    def outcome(self, uid: str) -> Outcome | None:
        work = self._works.get(uid)
        return work.outcome if work else None

    async def begin(self, errand: Errand, facts: Facts) -> None:
        """Raises EngineInterrupted instead of waiting for its turn: the line says until when the step is over."""
        if sum(work.outcome is None for work in self._works.values()) >= self.runs.at_once:
            raise EngineInterrupted("as many steps of cutovers run as may at once; it is tried again")
        job = self._job(errand, facts)
        work = Work(errand, asyncio.get_running_loop().create_task(self._run(errand, facts, job)))
        self._works[errand.uid] = work

    async def stop(self, uid: str) -> None:
        work = self._works.get(uid)
        if work is not None and work.outcome is None:
            await self.runs.cancel(uid)
            await asyncio.wait({work.task})

    def take_off(self, uid: str) -> None:
        self._works.pop(uid, None)

    def tell(self, ended: Ended) -> None:
        self.ended = ended

    async def start(self) -> None:
        await self.runs.start()

    async def close(self) -> None:
        await self.runs.close()

    def kill(self) -> None:
        self.runs.kill()

    async def _run(self, errand: Errand, facts: Facts, job: Job) -> None:
        course, meta, began = Course(0), facts.cutover.meta, self.monotonic()

        def heard(moment: Moment) -> None:
            nonlocal course
            course = course.after(moment)

        try:
            await self.runs.run(errand.uid, job, on_moment=heard)
            outcome = replace(outcome_of(course), recap=course.recap(self.now(), self.monotonic() - began))
        except KunlunError as error:
            outcome = Outcome(failure=error)
        except Exception as error:  # a bug, or a disk that is full: the step has not been done, and somebody hears why
            outcome = Outcome(failure=EngineInterrupted(f"the playbook could not be followed: {error}"))
        if (work := self._works.get(errand.uid)) is not None and work.errand == errand:
            work.outcome = outcome
        self.ended(meta.namespace, meta.name)

    def _job(self, errand: Errand, facts: Facts) -> Job:
        """Raises GuestUnreachable for hosts without a pin, ManagementMissing without a key."""
        if self.access.key is None or self.access.host_keys is None:
            raise ManagementMissing("the operator was given no SSH key and host keys (`kunlun run --ssh-key`)")
        sides = self._sides(facts, self.access.host_keys)
        own = {"kunlun_step": errand.step.value, "kunlun_begun": asdict(Begun.of(errand, facts))}
        return Job(
            playbook=self.site,
            settings=FOLDER / "ansible.cfg",
            inventory=lambda pins: inventory_of(sides, self.access, str(pins), python=sys.executable),
            pins=pins_of(sides),
            deadline_seconds=self.deadline_seconds(errand.step, facts),
            forks=len(sides.all) + 1,
            variables={**variables_of(facts, sides, hooks=self.hooks), **own},
        )

    def _sides(self, facts: Facts, host_keys: Path) -> Sides:
        return sides_of(facts, self.access, known_pins(facts, host_keys))


def known_pins(facts: Facts, host_keys: Path) -> Mapping[str, str]:
    """Of the guests of both sides, by the ids of servers."""
    found: dict[str, str] = {}
    for request, plan in ((facts.target, facts.target_plan), (facts.source, facts.source_plan)):
        if (wanted := guests_of(request, plan)) is not None:
            found |= pinned(host_keys, wanted)
    return found


def outcome_of(course: Course) -> Outcome:
    """What the run amounts to. What it measured is kept when it failed, too: a watch's failures above all."""
    failure = course.verdict()
    try:
        measured = tuple(_measures(course.measured))
    except ValidationError:
        measured, failure = (), failure or PlaybookFailed("what the step measured cannot be written down")
    if failure is not None and course.note:
        failure = PlaybookFailed(course.note)
    return Outcome(measured, failure)


def _measures(measured: Mapping[str, Any]) -> list[Measure]:
    if len(measured) > MOST_MEASURES:  # the rest is in the run's folder; sums are said first
        measured = dict(list(measured.items())[:MOST_MEASURES])
    return [Measure(name=name, value=value) for name, value in measured.items()]
