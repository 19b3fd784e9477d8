"""What this process remembers of the stacks it worked on. Losing it costs listings, never correctness."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.engine import Built
from infra.errors import KunlunError, QuotaExceeded, TransientError
from infra.provider.observed import Difference, ObservedObject
from infra.provider.repairs import Repair

SPREAD = 2**32
LONGEST_REST_SECONDS = 300.0
LONGEST_REST_FOR_OTHERS_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the last look showed of a plan in force: how the cloud differs, and what needs a plan of its own.

    `joinable` are the requests whose routers links could be joined to then.
    """

    plan: str
    drift: tuple[Difference, ...] = ()
    repairs: tuple[Repair, ...] = ()
    joinable: frozenset[str] = frozenset()


@dataclass(slots=True)
class Rest:
    """The work that failed last, if it did: what it was, and for how long it is left alone."""

    failure: tuple[str, float, KunlunError] | None = None  # what failed, until when it rests, and why
    failures: int = 0  # of the same work for the same reason, in a row

    def rest(self, work: str, *, now: float, pause: float, error: KunlunError) -> float:
        """Work that has failed is left alone for a while, however often somebody knocks: our own status
        writes come back as events, and would make a failing pass run again at once, for ever.

        Returns the seconds: `pause`, or more when the same repeats: 1, 2, 4 … 300, but where somebody else has to
        act first (a person, or whoever holds what is used up) at most 60, as nobody tells us when that is done.
        """
        before = self.failure
        self.failures = self.failures + 1 if before and (before[0], before[2].reason) == (work, error.reason) else 0
        by_time = isinstance(error, TransientError) and not isinstance(error, QuotaExceeded)
        longest = LONGEST_REST_SECONDS if by_time else LONGEST_REST_FOR_OTHERS_SECONDS
        seconds = max(pause, min(2.0 ** min(self.failures, 16), longest))
        self.failure = (work, now + seconds, error)
        return seconds

    def failed_for(self, work: str, reason: type[KunlunError]) -> bool:
        """Whether this very work failed last, and for this reason."""
        return self.failure is not None and self.failure[0] == work and isinstance(self.failure[2], reason)

    def rested(self) -> None:
        """It went well: the next failure is a first one."""
        self.failure = None

    def resting(self, work: str, now: float) -> tuple[float, KunlunError] | None:
        """(seconds left, why) while this very work rests."""
        match self.failure:
            case (failed, until, error) if failed == work and now < until:
                return until - now, error
            case _:
                return None

    def wake(self, reason: type[KunlunError]) -> None:
        """No more rest for this reason."""
        if self.failure is not None and isinstance(self.failure[2], reason):
            self.failure = None


@dataclass(slots=True)
class Memory(Rest):
    """Per request (by uid): which plan this process has carried out, and when to look again.

    What is asked rests apart from what is in force: neither ends the rest of the other.
    """

    plan: str | None = None
    built: Built | None = None
    next_look: float | None = None
    attempts: int = 0
    waiting_since: float | None = None
    servers_seen: float | None = None  # when, while they are waited for
    seen: Seen | None = None
    servers: Mapping[str, ObservedObject] | None = None  # as they were listed last, by logical name
    gone: frozenset[str] = frozenset()  # ids of what was built and was found gone, beyond doubt
    drafting: Rest = field(default_factory=Rest)
    configuring: Rest = field(default_factory=Rest)
    reserved: str | None = None  # the plan this pass has let come into force, until the status says so
    awaits_room: tuple[str, str] | None = None  # (namespace, name), while quota or budget is lacking

    def begin_pass(self) -> None:
        """What the last pass reserved is in the status by now, or was never begun."""
        self.reserved, self.awaits_room = None, None

    @property
    def ids(self) -> Mapping[str, str]:
        """By logical name, of what this process built."""
        return self.built.ids if self.built else {}

    def seen_of(self, plan: str) -> Seen | None:
        """What the last look showed of exactly this plan; None when this process has not looked yet."""
        return self.seen if self.seen and self.seen.plan == plan else None

    def remember_build(self, plan: str, built: Built) -> None:
        """This process has made exactly this plan true."""
        self.plan, self.built, self.attempts = plan, built, 0

    def forget_build(self) -> None:
        """What is there has to be looked at again."""
        self.plan, self.built, self.waiting_since, self.servers_seen, self.seen = None, None, None, None, None

    def built_by(self, plan: str) -> Built | None:
        """What this process built for exactly this plan; None when it did not."""
        return self.built if self.plan == plan else None

    def count_attempt(self) -> int:
        """How often in a row a build was not as planned afterwards, this time included."""
        self.attempts += 1
        return self.attempts

    def waited(self, now: float) -> float:
        """Seconds since this process began to wait for the servers of its build."""
        self.waiting_since = now if self.waiting_since is None else self.waiting_since
        return now - self.waiting_since

    def unseen(self, now: float) -> float:
        """Seconds since the servers that are waited for were last looked at, or since the wait began."""
        self.servers_seen = now if self.servers_seen is None else self.servers_seen
        return now - self.servers_seen


@dataclass(slots=True)
class Memories:
    """All of them; entries go with their requests."""

    by_uid: dict[str, Memory] = field(default_factory=dict)

    def of(self, uid: str) -> Memory:
        return self.by_uid.setdefault(uid, Memory())

    def forget(self, uid: str) -> None:
        self.by_uid.pop(uid, None)

    def awaiting_room(self, namespace: str) -> list[str]:
        """Requests of the namespace that go on when quota or budget becomes free."""
        waiting = (memory.awaits_room for memory in self.by_uid.values())
        return [one[1] for one in waiting if one is not None and one[0] == namespace]

    def wake(self, reason: type[KunlunError]) -> None:
        """Whatever rests for this reason does so no longer."""
        for memory in self.by_uid.values():
            memory.wake(reason)
            memory.drafting.wake(reason)


def next_turn(project_id: str, *, now: float, interval: float) -> float:
    """When a project is looked at next, on the clock of `now`.

    All requests of a project share their turns, so that one listing serves them all; projects are spread
    evenly over the interval by a hash of their ids. That is the jitter: a random one would tear the requests of a
    project apart, and bring all projects together after a restart. A turn is kept over a restart (the monotonic
    clock is the machine's).
    """
    offset = interval * zlib.crc32(project_id.encode()) / SPREAD
    return offset + interval * (math.floor((now - offset) / interval) + 1)
