"""May a step begin? The one gate of every way to run it: operator, command line, and a playbook by hand. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from controllers.api.cutoversteps import Step
from controllers.cutover import rules
from controllers.cutover.facts import Facts
from controllers.cutover.rules import Refusal, Refusals
from controllers.cutover.way import SWITCH

Rule = Callable[[Step, Facts], Refusals]

_ONTO: Sequence[Rule] = (rules.the_parts_fit_each_other, rules.the_target_stands, rules.earlier_steps_are_done)
_TRY: Sequence[Rule] = (*_ONTO, rules.the_source_is_live, rules.nothing_else_has_moved_here)
_CUT: Sequence[Rule] = (
    *_ONTO,
    rules.what_moves_is_what_was_frozen,
    rules.the_report_is_of_this_target,
    rules.every_party_accepts_the_trial,
    rules.the_window_is_open,
    rules.the_original_is_there,
)
_MOVING: Sequence[Rule] = (rules.earlier_steps_are_done, rules.what_moves_is_what_was_frozen)
_BACK: Sequence[Rule] = (*_MOVING, rules.the_original_is_there)
_AGAIN: Sequence[Rule] = (*_BACK, rules.the_other_side_is_frozen)
"""Forward again from a rollback that was begun: what was signed for the first time is not asked once more."""

GATES: Mapping[Step, Sequence[Rule]] = {
    Step.PREFLIGHT: _TRY,
    Step.ADAPT: _TRY,
    Step.REHEARSE: _TRY,
    Step.START_TRIAL: _TRY,
    Step.STRESS_TRIAL: _TRY,
    Step.END_TRIAL: (*_TRY, rules.the_trial_has_lasted),
    **dict.fromkeys(SWITCH, _CUT),
    Step.FREEZE_SOURCE: (*_CUT, rules.it_is_asked_anew, rules.nothing_else_has_moved_here),
    Step.UNFREEZE_TARGET: (*_CUT, rules.the_other_side_is_frozen),
    Step.WATCH: _MOVING,
    Step.RETAIN: _MOVING,
    Step.FREEZE_TARGET: _BACK,
    Step.COUNT_LOSSES: _BACK,
    Step.RETURN_CALLERS: (*_BACK, rules.the_losses_are_named),
    Step.UNFREEZE_SOURCE: (*_BACK, rules.the_losses_are_named, rules.the_other_side_is_frozen),
    Step.RELEASE: (
        *_MOVING,
        rules.the_target_is_live,
        rules.the_retention_is_over,
        rules.every_party_accepts_the_release,
    ),
}


def gate(step: Step, facts: Facts) -> list[Refusal]:
    """Every reason why the step may not begin now; none: it may."""
    again = step in SWITCH and facts.journal.switched_time is not None
    return [refusal for rule in (_AGAIN if again else GATES[step]) for refusal in rule(step, facts)]


def opens_at(refusals: Sequence[Refusal]) -> str | None:
    """When time alone will have answered all of them; None when somebody has to act."""
    times = [refusal.allowed_from for refusal in refusals]
    return max(time for time in times if time) if times and all(times) else None
