"""The seam between deciding a step and doing it: whoever runs steps on hosts is a `Runner`.

A step may take days (a watch does), so it is begun and looked at, never waited for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from controllers.api.cutoverstep import Measure
from controllers.api.cutoversteps import Step
from controllers.api.recap import Recap
from controllers.cutover.facts import Facts
from infra.errors import KunlunError

Ended = Callable[[str, str], None]  # namespace and name of the cutover


@dataclass(frozen=True, slots=True)
class Errand:
    """One attempt at one step of one cutover."""

    uid: str
    step: Step
    key: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Begun:
    """An attempt whose beginning is written down; its end is written with the same words."""

    cutover: str
    uid: str
    generation: int
    scope: str
    step: Step
    key: str
    attempt: int

    @classmethod
    def of(cls, errand: Errand, facts: Facts) -> Begun:
        meta = facts.cutover.meta
        return cls(
            cutover=meta.name,
            uid=meta.uid,
            generation=meta.generation,
            scope=facts.journal.scope,
            step=errand.step,
            key=errand.key,
            attempt=errand.attempt,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an errand ended: what was measured, why it failed, if it did, and how its run went, if one was followed."""

    measured: tuple[Measure, ...] = ()
    failure: KunlunError | None = None
    recap: Recap | None = None


class Runner(Protocol):
    """Runs steps, one a cutover at a time.

    A step MUST be safe to repeat under the same key. One that opens a side MUST see on the hosts, at that moment, that
    the other side is frozen; a host that does not answer is not frozen.
    """

    def deadline_seconds(self, step: Step, facts: Facts) -> float:
        """How long an attempt takes at most; it MUST have ended by then, whatever comes."""
        ...

    def at_work(self, uid: str) -> Errand | None:
        """The errand of the cutover that was begun here and not taken off yet; it may have ended."""
        ...

    def outcome(self, uid: str) -> Outcome | None:
        """How that errand ended; None while it runs, or when there is none."""
        ...

    async def begin(self, errand: Errand, facts: Facts) -> None:
        """Returns at once. Before anything is done, whatever an earlier run of the cutover left MUST have ended."""
        ...

    async def stop(self, uid: str) -> None:
        """Ends the errand and waits until nothing of it works any more; without one, does nothing."""
        ...

    def take_off(self, uid: str) -> None:
        """The errand has ended, and that is written down."""
        ...

    def tell(self, ended: Ended) -> None:
        """Who is to hear of each errand that ends."""
        ...

    async def start(self) -> None:
        """What a killed operator left running ends. Before the first errand."""
        ...

    async def close(self) -> None:
        """Ends all runs; no other begins. What was cut off gets no end in the journal: the next operator goes on."""
        ...

    def kill(self) -> None:
        """Ends all runs at once: for who must not change anything any more."""
        ...
