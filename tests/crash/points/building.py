"""The operator is killed at a step of a build."""

from __future__ import annotations

from controllers.api.stored import REQUESTS
from tests.crash.administrator import no_host_takes_servers
from tests.crash.run import Run
from tests.faults.actions import Gate, Moment
from tests.faults.calls import KUBERNETES, Call
from tests.faults.rules import Match

NO_HOST = {"ServerFault", "QuotaExceeded"}  # no host may mean a broken server, or that there is no room
LONGEST_ON_THE_WAY_SECONDS = 2.0  # of a call that its sender did not live to see answered


def approval_read(run: Run) -> None:
    """The approvals have been read, and nothing of it was written."""
    match = Match(KUBERNETES, "GET", "approvals", where=lambda call: "fieldSelector" in call.query)
    _killed_at(run, run.book.hold(match, Moment.AFTER))


def intent_written(run: Run) -> None:
    """The status says what is being built, and nothing has been built."""

    def is_intent(call: Call) -> bool:
        status = (call.content() or {}).get("status", {})
        return bool(status.get("buildingPlan") == run.plan)

    match = Match(KUBERNETES, "PATCH", f"{REQUESTS.plural}/status", where=is_intent)
    _killed_at(run, run.book.hold(match, Moment.AFTER))


def post_unanswered(run: Run) -> None:
    """A creating call was sent, and reaches the cloud after the death of its sender."""
    gate = run.gate_at(run.creation(), Moment.BEFORE)
    run.approve()
    run.caught(gate)
    run.operator.kill()
    run.operator.start()
    run.pause(LONGEST_ON_THE_WAY_SECONDS)
    gate.forward()


def post_unrecorded(run: Run) -> None:
    """A creating call was carried out, and its answer never read."""
    _killed_at(run, run.gate_at(run.creation(), Moment.AFTER))


def between_objects(run: Run) -> None:
    """Some objects exist, and the next one was never asked for."""
    _killed_at(run, run.gate_at(run.creation(), Moment.BEFORE))


def awaiting_active(run: Run) -> None:
    """All servers were ordered, and are not known to be there."""
    orders = ("compute", "POST", "servers")
    before = run.book.counted()[orders]
    ordered = 1 if run.grows else run.shape.servers

    def is_poll(_: Call) -> bool:
        return run.book.counted()[orders] >= before + ordered

    _killed_at(run, run.book.hold(Match("compute", "GET", "servers/detail", where=is_poll), Moment.AFTER))


def server_in_error(run: Run) -> None:
    """No host was found for a server, and the operator dies of something else before there is one again."""
    with no_host_takes_servers(run.lane.sandbox.clouds):
        run.approve()
        run.until(lambda: run.story.condition("Provisioned")[1] in NO_HOST, "Nova gives up on a server")
        run.operator.kill()
    run.operator.start()


def _killed_at(run: Run, gate: Gate) -> None:
    run.approve()
    run.caught(gate)
    run.operator.kill()
    gate.drop()
    run.operator.start()
