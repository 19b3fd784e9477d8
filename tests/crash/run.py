"""One run: a point and a seed, from an empty project over a fault to an empty project again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.crash.lane import Lane
from tests.crash.operators import OperatorProcess
from tests.crash.shapes import Creation, Shape, shape_from
from tests.crash.story import WatchedStory
from tests.crash.verdict import Verdict, listed, record_verdict, remains, verdict_on
from tests.faults.actions import Gate, Moment
from tests.faults.rules import Book, Match

POLL_SECONDS = 0.3
SETTLING_SECONDS = 5.0
PUBLIC = 0.25  # of the requests are on the internet


class NotConverged(Exception):
    """Something that must come did not come in time; the message says what the status said instead."""


@dataclass(slots=True)
class Run:
    """What points work with. The same point and seed make the same request and the same moment."""

    lane: Lane
    story: WatchedStory
    chance: random.Random
    shape: Shape
    plan: str = ""
    uid: str = ""
    verdict: Verdict = field(default_factory=Verdict)
    grows: bool = False

    @classmethod
    def of(cls, lane: Lane, point: str, seed: int) -> Run:
        chance = random.Random(f"{point}/{seed}")
        public = random.Random(f"public/{point}/{seed}").random() < PUBLIC  # apart: seeds keep their meaning
        shape = replace(shape_from(chance), public=public)
        return cls(lane, WatchedStory(lane.sandbox, f"{point}-{seed}"), chance, shape)

    def turn_to(self, point: str, seed: int) -> None:
        """The same request comes to another point, which makes its own choices and has its own verdict."""
        self.chance, self.verdict = random.Random(f"{point}/{seed}"), Verdict()

    def grow(self) -> None:
        """What is Ready is to become more: what is planned next is a change."""
        self.grows, self.shape = True, self.shape.grown()

    @property
    def project(self) -> str:
        """The department's, in the zone of the request."""
        return self.lane.projects[self.shape.zone]

    @property
    def book(self) -> Book:
        return self.lane.book

    @property
    def operator(self) -> OperatorProcess:
        return self.lane.operator

    def ask(self) -> None:
        """Apply the request as it is to be now; returns with its plan."""
        self.until(self.operator.is_ready, "the operator is ready")
        self.story.apply(**self.shape.spec())
        self.until(lambda: self.story.condition("Planned")[1] == "Planned", "there is a plan")
        self.until(self.story.plan_is_of_present_generation, "the plan is of the present spec")
        self.uid, self.plan = self.story.uid(), str(self.story.read()["status"]["plan"])

    def approve(self) -> None:
        self.story.approve()

    def built(self) -> None:
        """A request that is Ready."""
        self.ask()
        self.approve()
        self.ready()

    def creation(self) -> Creation:
        """One of the creating calls that are to come, with its number among its like; chosen by the seed."""
        coming = self.shape.additions() if self.grows else self.shape.creations()
        service, method, collection, most = self.chance.choice(list(coming))
        return service, method, collection, self.chance.randint(1, most)

    def gate_at(self, creation: Creation, moment: Moment) -> Gate:
        service, method, collection, nth = creation
        return self.book.hold(Match(service, method, collection), moment, nth=nth)

    def caught(self, gate: Gate) -> None:
        """Wait until the call is held."""
        self.until(gate.reached.is_set, "the call that the fault is for")

    def pause(self, longest_seconds: float) -> None:
        """A random moment passes."""
        end = time.monotonic() + self.chance.uniform(0, longest_seconds)
        while time.monotonic() < end:
            self.lane.tend()
            time.sleep(min(POLL_SECONDS, max(0.0, end - time.monotonic())))

    def ready(self) -> None:
        """Wait until the request is Ready, and compare the cloud with the plan, and the record with its stages."""
        self.until(self.story.is_ready, "the request is Ready")
        self.verdict += self._settled() + self.recorded()

    def recorded(self) -> Verdict:
        """The record of decisions, about the plan in force."""
        name = str(self.story.read()["status"]["approvedPlan"])
        return record_verdict(name, self.story.plan(name).stages, self.story.record(name))

    def delete(self) -> None:
        """Ask for the end; returns at once."""
        self.story.delete(wait=False)

    def gone(self) -> None:
        """Wait until the request is gone, and look for anything that is left of it."""
        self.until(lambda: not self.story.read(), "the request is gone")
        self.verdict += verdict_on(listed(self.lane.sandbox.clouds, self.project), ())
        self.verdict += remains(self.states(), self.uid)
        if any(operator.engines() for operator in self.lane.operators.values()):
            self.until(lambda: not self._engines(), "no engine of a request that is gone runs any more")

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Raises NotConverged when it does not come true in time."""
        seconds = self.lane.patience_seconds
        deadline = time.monotonic() + seconds
        while not holds():
            self.lane.tend()
            if time.monotonic() > deadline:
                raise NotConverged(f"not within {seconds:.0f} s: {what}; {self.story.told()}")
            time.sleep(POLL_SECONDS)

    def insist(self, holds: bool, what: str) -> None:
        """Something that must be so at this very moment."""
        if not holds:
            raise NotConverged(f"not so: {what}; {self.story.told()}")

    def present(self) -> Verdict:
        """The comparison with the plan in force as things are, of a run that did not come to its end."""
        status = self.story.read().get("status", {})
        plans = [self.story.plan(status["approvedPlan"]).stack] if "approvedPlan" in status else []
        return verdict_on(listed(self.lane.sandbox.clouds, self.project), plans)

    def states(self) -> list[Path]:
        """Of who works: an operator that stands by cannot know that another removed what it built once."""
        return [operator.state for operator in self.lane.operators.values() if operator.is_ready()]

    def _settled(self) -> Verdict:
        """The comparison, repeated for a moment: removals of a change may still be on their way."""
        deadline = time.monotonic() + SETTLING_SECONDS
        while not (found := self.present()).is_exact:
            if time.monotonic() > deadline:
                break
            time.sleep(POLL_SECONDS)
        return found

    def _engines(self) -> bool:
        return any(operator.engines() for operator in self.lane.operators.values())
