"""A run of two requests, one of which calls the other's servers: the same zone, or one that permits it, by the seed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

from infra.stackplan import StackPlan
from tests.crash.run import Run
from tests.crash.shapes import Shape
from tests.crash.story import WatchedStory
from tests.crash.verdict import Verdict, remains, verdict_across

JOINING_SECONDS = 60.0
LOOK_SECONDS = 1.0
ACROSS = 0.5  # of the pairs are in two zones


@dataclass(slots=True)
class LinkedRun:
    """`called` is the run itself, `caller` a second request beside it. Both are compared with their plans, always."""

    called: Run
    caller: Run

    @classmethod
    def of(cls, run: Run) -> LinkedRun:
        """The request of a run, called by another one; both as small as can be."""
        across = run.chance.random() < ACROSS
        name = f"{run.story.name}-caller"
        run.shape = Shape(servers=1, networks=1, ports=1, caller=name)
        shape = Shape(servers=1, networks=1, ports=1, public=across)
        return cls(run, replace(run, story=WatchedStory(run.lane.sandbox, name), shape=shape))

    @property
    def both(self) -> tuple[Run, Run]:
        return self.called, self.caller

    def planned(self) -> None:
        """Two plans that name each other and wait for their approvals."""
        self.caller.ask()
        self.called.ask()
        self.called.until(self._is_mutual, "each plan has what it needs for the other")

    def approve(self) -> None:
        """Both sides sign, in an order that the seed says."""
        for run in self.called.chance.sample(self.both, 2):
            run.approve()

    def built(self) -> None:
        self.planned()
        self.approve()
        self.ready()

    def ready(self) -> None:
        """Wait until both are Ready and joined, and compare both clouds with both plans."""
        for run in self.both:
            run.until(run.story.is_ready, f"{run.story.name} is Ready")
        self.called.verdict += self.settled()
        for run in self.both:
            self.called.verdict += run.recorded()

    def delete(self) -> None:
        for run in self.both:
            run.delete()

    def awaited_gone(self, run: Run) -> None:
        run.until(lambda: not run.story.read(), f"{run.story.name} is gone")

    def parted(self, gone: Run) -> None:
        """Wait until one is gone: nothing of it is left, and the other is as its plan says."""
        self.awaited_gone(gone)
        self.called.verdict += self.settled()

    def gone(self) -> None:
        """Wait until both are gone, and look for anything that is left of either."""
        for run in self.both:
            self.awaited_gone(run)
        self.called.verdict += self.present()
        for run in self.both:
            self.called.verdict += remains(run.states(), run.uid)

    def settled(self) -> Verdict:
        """The comparison, repeated: the last to join is told of the other's build, and removals may be on their way."""
        deadline = time.monotonic() + JOINING_SECONDS
        while not (found := self.present()).is_exact and time.monotonic() < deadline:
            self.called.lane.tend()
            time.sleep(LOOK_SECONDS)
        return found

    def present(self) -> Verdict:
        """The comparison as things are; of a request that is not there, or has no plan in force, nothing may be."""
        plans: dict[str, list[StackPlan]] = {run.project: [] for run in self.both}
        for stack in self._in_force():
            plans[stack.project.id].append(stack)
        return verdict_across(self.called.lane.sandbox.clouds, plans)

    def _in_force(self) -> Iterator[StackPlan]:
        for run in self.both:
            plan = run.story.read().get("status", {}).get("approvedPlan")
            if plan is not None:
                yield run.story.plan(plan).stack

    def _is_mutual(self) -> bool:
        newest = [run.story.plan(str(run.story.read()["status"]["plan"])).stack for run in self.both]
        return bool(newest[0].links and newest[1].calls)
