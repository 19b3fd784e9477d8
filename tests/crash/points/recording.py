"""The operator is killed while it writes the record of decisions; `Run.ready` counts its lines."""

from __future__ import annotations

from controllers.api.stored import DECISIONS
from tests.crash.run import Run
from tests.faults.actions import Moment
from tests.faults.calls import KUBERNETES, Call
from tests.faults.rules import Match


def decision_recorded(run: Run) -> None:
    """An approval has counted, or all have: the line that says so is about to be written, or its answer is unread."""

    def is_of_plan(call: Call) -> bool:
        return bool((call.content() or {}).get("spec", {}).get("plan") == run.plan)

    lines = sum(stage.signatures for stage in run.story.plan(run.plan).stages) + 1
    moment = run.chance.choice([Moment.BEFORE, Moment.AFTER])
    match = Match(KUBERNETES, "POST", DECISIONS.plural, where=is_of_plan)
    gate = run.book.hold(match, moment, nth=run.chance.randint(1, lines))
    run.approve()
    run.caught(gate)
    run.operator.kill()
    gate.drop()
    run.operator.start()
