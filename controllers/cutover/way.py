"""Which steps lead where. Pure: from the stage that is asked for, and from what the journal says has been begun."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from controllers.api.cutover import Stage
from controllers.api.cutoversteps import Step
from controllers.cutover.journal import Journal

PREPARE = (Step.PREFLIGHT, Step.ADAPT)
REHEARSE = (Step.REHEARSE,)
TRIAL = (Step.START_TRIAL, Step.STRESS_TRIAL, Step.END_TRIAL)
SWITCH = (
    Step.FREEZE_SOURCE,
    Step.FINAL_SYNC,
    Step.VERIFY_COPY,
    Step.SWITCH_CALLERS,
    Step.VERIFY_ZONES,
    Step.UNFREEZE_TARGET,
)
AFTER = (Step.WATCH, Step.RETAIN)
FORWARD: Mapping[Stage, Sequence[Step]] = {
    Stage.PREPARE: PREPARE,
    Stage.REHEARSE: (*PREPARE, *REHEARSE),
    Stage.TRIAL: (*PREPARE, *REHEARSE, *TRIAL),
    Stage.CUT: (*PREPARE, *REHEARSE, *TRIAL, *SWITCH, *AFTER),
    Stage.ROLL_BACK: (),
    Stage.RELEASE: (Step.RELEASE,),
}
_ALL = FORWARD[Stage.CUT]


def way_forward(stage: Stage, journal: Journal) -> Sequence[Step]:
    """The steps of a stage. Once the source is frozen nothing is tried any more: that writes to the target."""
    if stage is Stage.CUT and journal.frozen_time is not None:
        return (*SWITCH, *AFTER)
    return FORWARD[stage]


def way_back(journal: Journal) -> tuple[Step, ...]:
    """From wherever the cut is to a source that takes writes; empty when it does already.

    Only what was begun is taken back; what may have had its effect counts as having had it.
    """
    if journal.frozen_time is None:
        return ()
    target = (Step.FREEZE_TARGET, Step.COUNT_LOSSES) if journal.begun_since_frozen(Step.UNFREEZE_TARGET) else ()
    callers = (Step.RETURN_CALLERS,) if journal.begun_since_frozen(Step.SWITCH_CALLERS) else ()
    return (*target, *callers, Step.UNFREEZE_SOURCE)


def before(step: Step, journal: Journal) -> Sequence[Step]:
    """What has to be done before the step may begin, on whichever way it lies."""
    back = way_back(journal)
    if step in back:
        return back[: back.index(step)]
    if step is Step.RELEASE:
        return (*SWITCH, *AFTER)
    tried = () if step in AFTER or journal.switched_time is not None else (*PREPARE, *REHEARSE, *TRIAL)
    known = (*tried, *SWITCH, *AFTER) if step in (*SWITCH, *AFTER) else _ALL
    return known[: known.index(step)] if step in known else ()
