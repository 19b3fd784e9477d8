"""The operator is killed at a step of a removal."""

from __future__ import annotations

from controllers.api.stored import REQUESTS
from tests.crash.run import Run
from tests.faults.actions import Gate, Moment
from tests.faults.calls import KUBERNETES, Call
from tests.faults.rules import Match

LONGEST_ON_THE_WAY_SECONDS = 2.0
DELETED = ("servers", "ports", "security-groups", "routers", "networks")


def delete_unanswered(run: Run) -> None:
    """A deleting call was sent, and reaches the cloud after the death of its sender."""
    deleted = (*DELETED, "floatingips") if run.shape.public else DELETED
    gate = run.book.hold(Match("*", "DELETE", run.chance.choice(deleted)), Moment.BEFORE)
    run.delete()
    run.caught(gate)
    run.operator.kill()
    run.operator.start()
    run.pause(LONGEST_ON_THE_WAY_SECONDS)
    gate.forward()


def server_gone_ports_not(run: Run) -> None:
    """The servers are gone, and the deletion of their ports was never asked for."""
    _killed_at(run, run.book.hold(Match("network", "DELETE", "ports"), Moment.BEFORE))


def before_the_finalizer(run: Run) -> None:
    """Everything is gone, and the request does not know."""

    def drops_finalizer(call: Call) -> bool:
        return not (call.content() or {}).get("metadata", {}).get("finalizers")

    match = Match(KUBERNETES, "PATCH", REQUESTS.plural, path=f"*/{run.story.name}", where=drops_finalizer)
    _killed_at(run, run.book.hold(match, Moment.BEFORE))


def _killed_at(run: Run, gate: Gate) -> None:
    run.delete()
    run.caught(gate)
    run.operator.kill()
    gate.drop()
    run.operator.start()
