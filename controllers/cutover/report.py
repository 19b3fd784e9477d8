"""The trial's report, made of the journal and nothing else: whoever makes it twice makes the same. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from controllers.api.cutover import DAY_SECONDS
from controllers.api.cutoversteps import Step
from controllers.api.stored import TrialReport
from controllers.api.times import seconds_between
from controllers.api.trialreport import TrialContent, Trialled
from controllers.cutover.facts import Facts
from controllers.cutover.journal import Journal
from controllers.cutover.way import PREPARE, REHEARSE, TRIAL


def signed_report(reports: Iterable[TrialReport], journal: Journal) -> TrialReport | None:
    """The report under which the source was frozen: the newest of that time, about what was frozen.

    It is what is spoken about from then on, whatever plan the target has by now. None while the source is not frozen.
    """
    frozen, scope = journal.frozen_time, journal.frozen_scope
    own = (one for one in reports if (one.spec.cutover_uid, one.spec.scope) == (journal.uid, scope))
    before = (one for one in own if frozen is not None and one.meta.created <= frozen)
    return max(before, key=lambda one: (one.meta.created, one.meta.version), default=None)


def content_of(facts: Facts) -> TrialContent | None:
    """What the report says; None while the trial of this system onto this plan has not ended."""
    begun, ended = facts.journal.done(Step.START_TRIAL), facts.journal.done(Step.END_TRIAL)
    plan = facts.target.status.approved_plan if facts.target else None
    if plan is None or begun is None or begun.end is None or ended is None or ended.end is None:
        return None
    return TrialContent(
        cutover=facts.cutover.meta.name,
        cutover_uid=facts.cutover.meta.uid,
        scope=facts.journal.scope,
        target=facts.spec.target,
        plan=plan,
        plan_digest=facts.plan_digest,
        begun=begun.end.time,
        ended=ended.end.time,
        days=int(seconds_between(begun.end.time, ended.end.time) // DAY_SECONDS),
        steps=tuple(_trialled(facts)),
    )


def _trialled(facts: Facts) -> Iterator[Trialled]:
    for step in (*PREPARE, *REHEARSE, *TRIAL):
        done = facts.journal.done(step)
        if done is not None and done.end is not None:
            end = done.end
            yield Trialled(step=step, by=end.spec.by, begun=done.begun.time, done=end.time, measured=end.spec.measured)
