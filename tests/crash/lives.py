"""Requests that are created, changed and deleted at random, each as its people would: asked for, planned, approved."""

from __future__ import annotations

import random
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field, replace

from tests.crash.shapes import Shape, shape_from
from tests.crash.story import WatchedStory

MOST_SERVERS = 3
MOST_PORTS = 3
REFUSED = (AssertionError, subprocess.TimeoutExpired)  # what kubectl has to say of an API server that is not there


@dataclass(slots=True)
class Life:
    """One name. `wanted` None: the request is to be gone. Whatever fails is tried again by the next `tend`."""

    story: WatchedStory
    wanted: Shape | None = None
    applied: Shape | None = None
    uids: set[str] = field(default_factory=set)
    decided: set[str] = field(default_factory=set)

    def turn(self, chance: random.Random) -> str:
        """Somebody changes their mind; returns how, in a word."""
        if self.wanted is None:
            self.wanted = shape_from(chance)
            return "created"
        if chance.random() < 0.35:
            self.wanted = None
            return "deleted"
        self.wanted = _changed(self.wanted, chance)
        return "changed"

    def tend(self) -> None:
        """What the clerk and the officer have to do now."""
        request = self.story.read()
        if not request:
            self.applied = None
        else:
            self.uids.add(request["metadata"]["uid"])
        leaving = "deletionTimestamp" in request.get("metadata", {})
        with suppress(*REFUSED):
            if self.wanted is None and request and not leaving:
                self.story.delete(wait=False)
            elif self.wanted is not None and not leaving:
                self._pursue(self.wanted, request)

    def is_settled(self) -> bool:
        """Whether everything is as wanted, by its own word."""
        if self.wanted is None:
            return not self.story.read()
        return self.applied == self.wanted and self.story.is_ready()

    def _pursue(self, wanted: Shape, request: dict[str, object]) -> None:
        if self.applied != wanted or not request:
            self.story.apply(**wanted.spec())
            self.applied = wanted
        elif (plan := self._awaited()) is not None and self.story.decide(plan).returncode == 0:
            self.decided.add(plan)

    def _awaited(self) -> str | None:
        """The plan that waits for the officer."""
        status = self.story.read().get("status", {})
        plan = status.get("plan")
        if plan is None or plan in self.decided or not self.story.plan_is_of_present_generation():
            return None
        return str(plan)


def _changed(shape: Shape, chance: random.Random) -> Shape:
    """More or fewer servers, or other ports."""
    match chance.choice(["more", "fewer", "ports"]):
        case "more" if shape.servers < MOST_SERVERS:
            return replace(shape, servers=shape.servers + 1)
        case "fewer" if shape.servers > 1:
            return replace(shape, servers=shape.servers - 1)
        case _:
            return replace(shape, ports=shape.ports % MOST_PORTS + 1)
