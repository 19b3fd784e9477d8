"""Two operators at once, each with a state folder of its own: only one may work."""

from __future__ import annotations

import time

from tests.crash.operators import OperatorProcess
from tests.crash.run import Run
from tests.faults.actions import Moment

SECOND = "operator-b"
START_SECONDS = 4.0


def two_operators(run: Run) -> None:
    """Two start, one request is approved, and one of the two is killed when it is Ready."""
    second = _second(run)
    run.approve()
    run.ready()
    victim = run.chance.choice([run.operator, second])
    victim.kill()
    victim.start()


def leader_hangs(run: Run) -> None:
    """The working operator is stopped with a call on its way, longer than its lease; the other takes over; it wakes."""
    _second(run)
    gate = run.gate_at(run.creation(), Moment.BEFORE)
    run.approve()
    run.caught(gate)
    run.operator.pause()
    gate.forward()
    run.until(run.story.is_ready, "the other operator makes the request Ready")
    run.operator.resume()


def _second(run: Run) -> OperatorProcess:
    """Start another; it may be ready to work, or ready to wait, and need not say which."""
    second = run.lane.with_operator(SECOND)
    second.start()
    end = time.monotonic() + START_SECONDS
    while not second.is_ready() and time.monotonic() < end:
        run.pause(0.2)
    return second
