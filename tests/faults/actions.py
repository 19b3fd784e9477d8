"""What can happen to a call: each action is asked before the call is sent on, and again when its answer is there."""

from __future__ import annotations

import asyncio
import json
import math
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from enum import StrEnum
from threading import Event

from tests.faults.calls import Answer, Call


class Moment(StrEnum):
    """Before the upstream sees the call, or after it has answered and the caller has not heard of it."""

    BEFORE = "before"
    AFTER = "after"


class Dropped(Exception):
    """The connection is to break without an answer."""


class Action:
    """Does nothing. `before` may give an answer in the upstream's place; both may raise Dropped."""

    async def before(self, call: Call) -> Answer | None:
        return None

    async def after(self, call: Call, answer: Answer) -> Answer:
        return answer


@dataclass(frozen=True, slots=True)
class Drop(Action):
    """The connection breaks."""

    moment: Moment

    async def before(self, call: Call) -> Answer | None:
        if self.moment is Moment.BEFORE:
            raise Dropped
        return None

    async def after(self, call: Call, answer: Answer) -> Answer:
        raise Dropped


@dataclass(frozen=True, slots=True)
class Reply(Action):
    """Another answer than the upstream's; with AFTER the upstream has done what it was asked."""

    answer: Answer
    moment: Moment = Moment.BEFORE

    async def before(self, call: Call) -> Answer | None:
        return self.answer if self.moment is Moment.BEFORE else None

    async def after(self, call: Call, answer: Answer) -> Answer:
        return self.answer


@dataclass(frozen=True, slots=True)
class Delay(Action):
    """Longer than the caller is willing to wait; then as if nothing had been."""

    seconds: float
    moment: Moment

    async def before(self, call: Call) -> Answer | None:
        if self.moment is Moment.BEFORE:
            await asyncio.sleep(self.seconds)
        return None

    async def after(self, call: Call, answer: Answer) -> Answer:
        if self.moment is Moment.AFTER:
            await asyncio.sleep(self.seconds)
        return answer


@dataclass(frozen=True, slots=True)
class CutShort(Action):
    """The answer ends in the middle of its JSON, and says that it is whole."""

    async def after(self, call: Call, answer: Answer) -> Answer:
        return replace(answer, body=answer.body[: len(answer.body) // 2])


@dataclass(frozen=True, slots=True)
class Forget(Action):
    """A list that lacks items, in valid JSON: all but the first `keep` of each collection in the answer."""

    keep: int = 0

    async def after(self, call: Call, answer: Answer) -> Answer:
        content = json.loads(answer.body)
        thinned = {key: value[: self.keep] if _is_collection(value) else value for key, value in content.items()}
        return replace(answer, body=json.dumps(thinned).encode())


@dataclass(frozen=True, slots=True)
class Silence(Action):
    """A stream stays open and says nothing, for as long as the rule is there: those that run already, too.

    `of_those_before` (monotonic clock) spares the streams that begin later: only a connection is dead, not the server.
    """

    of_those_before: float = math.inf

    def is_for(self, call: Call) -> bool:
        """Whether it is for a stream that began when this one did."""
        return call.began < self.of_those_before


@dataclass(slots=True)
class Gate:
    """Where a held call waits for the test."""

    reached: Event = field(default_factory=Event)
    caught: list[Call] = field(default_factory=list)
    _go_on: Future[bool] = field(default_factory=Future)

    def wait(self, seconds: float = 60.0) -> Call:
        """The call that was caught. AssertionError when none came."""
        assert self.reached.wait(seconds), f"no such call came within {seconds:.0f} s"
        return self.caught[0]

    def forward(self) -> None:
        """Let the call, or its answer, go on; also if the caller is dead by now."""
        self._decide(go_on=True)

    def drop(self) -> None:
        """Break the connection: a call that was held before the upstream is never sent."""
        self._decide(go_on=False)

    def _decide(self, *, go_on: bool) -> None:
        if not self._go_on.done():
            self._go_on.set_result(go_on)

    async def passes(self, call: Call) -> None:
        """Wait for the decision. Raises Dropped."""
        self.caught.append(call)
        self.reached.set()
        if not await asyncio.shield(asyncio.wrap_future(self._go_on)):
            raise Dropped


@dataclass(frozen=True, slots=True)
class Hold(Action):
    """The call stands still until the test has done what it wants to do in this very moment."""

    gate: Gate
    moment: Moment

    async def before(self, call: Call) -> Answer | None:
        if self.moment is Moment.BEFORE:
            await self.gate.passes(call)
        return None

    async def after(self, call: Call, answer: Answer) -> Answer:
        if self.moment is Moment.AFTER:
            await self.gate.passes(call)
        return answer


def _is_collection(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)
