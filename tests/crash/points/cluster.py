"""The Kubernetes side fails: writes are lost or refused, a watch says nothing, the namespace goes first."""

from __future__ import annotations

import time

from controllers.api.stored import REQUESTS
from tests.crash.run import Run
from tests.e2e.story import NAMESPACE
from tests.faults import answers
from tests.faults.actions import Action, Drop, Moment, Reply, Silence
from tests.faults.calls import KUBERNETES, WATCH
from tests.faults.rules import Match, Rule

LATEST_WRITE = 6
LONGEST_UNTIL_KILL_SECONDS = 1.5
STATUS = Match(KUBERNETES, "PATCH", f"{REQUESTS.plural}/status")


def status_write_lost(run: Run) -> None:
    """Status writes are not answered, or fail; some of them have been carried out."""
    actions: list[Action] = [Drop(Moment.BEFORE), Drop(Moment.AFTER), Reply(answers.broken(), Moment.AFTER)]
    _status_fails(run, run.chance.choice(actions))


def status_conflict(run: Run) -> None:
    """Status writes are refused because somebody else has written meanwhile."""
    _status_fails(run, Reply(answers.status_conflict()))


def watch_dead(run: Run) -> None:
    """The watches fall silent without closing before the approval is given; the operator lives."""
    run.book.add(Rule(Match(KUBERNETES, WATCH), Silence(of_those_before=time.monotonic())))
    run.approve()


def namespace_deleted(run: Run) -> None:
    """The whole namespace is deleted; plans and approvals are gone before the request is."""
    kubectl = run.lane.sandbox.kubectl
    kubectl("admin", "delete", "namespace", NAMESPACE, "--wait=false")
    if run.chance.random() < 0.5:
        run.pause(LONGEST_UNTIL_KILL_SECONDS)
        run.operator.kill()
        run.operator.start()
    run.until(lambda: not run.story.read(), "the request is gone")
    run.until(
        lambda: kubectl("admin", "get", "namespace", NAMESPACE, check=False).returncode != 0, "the namespace goes"
    )
    run.lane.restore_department()


def _status_fails(run: Run, action: Action) -> None:
    first, count = run.chance.randint(1, LATEST_WRITE), run.chance.randint(1, 3)
    run.book.add(Rule(STATUS, action, nth=first, count=count))
    run.approve()
    if run.chance.random() < 0.3:
        run.pause(LONGEST_UNTIL_KILL_SECONDS)
        run.operator.kill()
        run.operator.start()
