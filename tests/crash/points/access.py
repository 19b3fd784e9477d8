"""The operator loses its access to the cloud while it removes a request, and gets it back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.crash.administrator import user_is_disabled
from tests.crash.run import Run
from tests.faults import answers
from tests.faults.actions import Moment, Reply
from tests.faults.calls import KUBERNETES
from tests.faults.rules import Match, Rule

LONGEST_OUTAGE_SECONDS = 4.0


def credentials_revoked(run: Run) -> None:
    """The operator's user is disabled in the middle of the removal; the request must not go before it is enabled."""
    gate = run.book.hold(Match("*", "DELETE"), Moment.BEFORE)
    run.delete()
    run.caught(gate)
    with user_is_disabled(run.lane.sandbox.clouds), tokens_are_refused(run):
        gate.forward()
        run.pause(LONGEST_OUTAGE_SECONDS)
        run.insist(bool(run.story.read()), "the request stays while nobody can look what is left of it")


@contextmanager
def tokens_are_refused(run: Run) -> Iterator[None]:
    """By every service, from this moment on: one that remembers a token as good would go on for minutes."""
    services = Match(where=lambda call: call.service not in (KUBERNETES, "identity"))
    refusal = run.book.add(Rule(services, Reply(answers.not_authenticated()), count=None))
    try:
        yield
    finally:
        run.book.remove(refusal)


def secret_deleted(run: Run) -> None:
    """The file with the credential is gone when the operator starts, and comes back while its supervisor tries."""
    gate = run.book.hold(Match("*", "DELETE"), Moment.BEFORE)
    run.delete()
    run.caught(gate)
    run.lane.clouds.unlink()
    run.operator.kill()
    gate.forward()
    run.operator.start()
    run.pause(LONGEST_OUTAGE_SECONDS)
    run.insist(bool(run.story.read()), "the request stays while nobody can look what is left of it")
    run.lane.write_clouds()
