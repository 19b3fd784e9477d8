"""One row: a fault on a kind of call, and everything that was seen of it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from tests.faults.calls import Kind
from tests.faults.table.calls import call_name
from tests.faults.table.faults import Fault
from tests.faults.table.statuses import Shown, first_failure

AT_ONCE_SECONDS = 0.9
"""Calls of one kind so close to each other belong to one attempt: what is refused in bulk is asked for one by one,
and every call of a pass may want a login of its own. A loop makes an attempt of very many calls."""
LASTING_SECONDS = 7.0
UNSEEN_SECONDS = 10.0


class Form(StrEnum):
    """Whether the fault is over with the first call it meets, or is still there at the next attempt."""

    ONCE = "once"
    LASTING = "lasting"


@dataclass(slots=True)
class Row:
    """Times are monotonic. `arrivals` are the calls that met the fault, `went_on` is the first one after it."""

    fault: Fault
    call: Kind
    form: Form
    of: str = "request"
    arrivals: list[float] = field(default_factory=list)
    ended: float | None = None
    went_on: float | None = None
    told: Shown | None = None
    was_stalled: bool = False

    @property
    def name(self) -> str:
        return f"{self.fault.name} on {call_name(self.call)} of a {self.of}, {self.form}"

    def meets(self, now: float) -> bool:
        """Whether a call of this kind is to meet the fault; counts it."""
        if self.ended is not None:
            self.went_on = self.went_on or now
            return False
        self.arrivals.append(now)
        if self.form is Form.ONCE:
            self.ended = now
        return True

    def see(self, history: Sequence[Shown], until: float) -> None:
        """Take from the request's history what was shown because of this row: from its first call on."""
        if self.arrivals:
            self.told = self.told or first_failure(history, self.arrivals[0], until)
            self.was_stalled |= any(shown.stalled for shown in history if self.arrivals[0] <= shown.at < until)

    def may_end(self, now: float) -> bool:
        """Whether a lasting fault has lasted: it was seen, and met twice unless the operator rests for longer."""
        if self.ended is not None or not self.arrivals:
            return False
        lasted = now - self.arrivals[0]
        seen = self.told is not None and (len(attempts(self.arrivals)) > 1 or lasted > LASTING_SECONDS)
        return seen or lasted > UNSEEN_SECONDS

    def end(self, now: float) -> None:
        self.ended = now


def attempts(arrivals: Sequence[float]) -> list[list[float]]:
    """Calls, gathered by the attempt they belong to."""
    found: list[list[float]] = []
    for at in arrivals:
        if found and at - found[-1][-1] < AT_ONCE_SECONDS:
            found[-1].append(at)
        else:
            found.append([at])
    return found


def shortest_pause(arrivals: Sequence[float]) -> float | None:
    """Between the end of one attempt and the beginning of the next; None when there was only one."""
    tried = attempts(arrivals)
    pauses = [after[0] - before[-1] for before, after in itertools.pairwise(tried)]
    return min(pauses, default=None)
