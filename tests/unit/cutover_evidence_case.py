"""Evidence of one cutover: tried, signed, cut over, rolled back with a loss that was named. Tests change one thing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from controllers.api.cutoverstep import line_name
from controllers.api.cutoversteps import Step
from controllers.api.recap import GuestChanges, Recap
from controllers.api.stored import ACCEPTANCES, CUTOVERS, REPORTS, STEPS
from controllers.api.times import later_by
from controllers.cutover.decide import decide
from controllers.cutover.status import status_of
from controllers.evidence.archive import Gap, Manifest, Subject, packed
from controllers.evidence.cutover import TARGET, Moved
from controllers.evidence.cutover_summary import cutover_summary_content
from controllers.evidence.gathered import SUMMARY
from tests.build import NAMESPACE, a_meta
from tests.unit import evidence_case
from tests.unit.cutover_case import DAY, HOUR, NAME, OPERATOR, UID, Case, a_target
from tests.unit.test_cli_cutover import document, wire

Document = dict[str, Any]


def a_case() -> Case:
    """Before anything was done, onto the target of a request's evidence."""
    plan = evidence_case.Case()
    target = a_target(plan=plan.name, approvedPlan=plan.name, builtPlan=plan.name)
    return Case(target=target, plan_digest=plan.digest)


def cut_over() -> Case:
    """Cut over and watched, the original kept."""
    return a_case().cut().later(HOUR)


def rolled_back() -> Case:
    """Cut over, and given back with three writes lost, as was named."""
    case = cut_over().ask(stage="RollBack").count(3)
    losses = case.facts.losses
    assert losses is not None
    case.ask(rollBack={"loses": losses.digest, "reason": "the portal was too slow"})
    return case.later(HOUR).did(Step.RETURN_CALLERS, Step.UNFREEZE_SOURCE).later(HOUR)


def released() -> Case:
    """Kept for ninety days, and given back with both parties' word."""
    case = cut_over().later(91 * DAY).ask(stage="Release")
    case.sign("department", "li.na", of="Release").sign("provider", "ops.wang", of="Release")
    return case.later(HOUR).did(Step.RELEASE).later(HOUR)


@dataclass
class Archived:
    """What is read of a case: documents, which a test may change."""

    case: Case = field(default_factory=cut_over)
    target: evidence_case.Case = field(default_factory=evidence_case.Case)
    living: bool = True
    cutover: Document = field(init=False)
    steps: list[Document] = field(init=False)
    reports: list[Document] = field(init=False)
    acceptances: list[Document] = field(init=False)

    def __post_init__(self) -> None:
        facts = self.case.facts
        status = status_of(facts, decide(facts, operator=OPERATOR))
        self.cutover = document(CUTOVERS, facts.cutover.meta, facts.spec) | {"status": wire(status)}
        self.steps = [_line(number, self.case) for number in range(len(self.case.steps))]
        assert facts.report is not None
        meta = a_meta(name=facts.report.meta.name, created=facts.report.spec.ended)
        self.reports = [document(REPORTS, meta, facts.report.spec)]
        self.acceptances = [
            document(ACCEPTANCES, a_meta(name=one.name, created=one.created), one.spec) for one in self.case.signatures
        ]

    def moved(self) -> Moved:
        return Moved(
            Subject(kind=CUTOVERS.name, namespace=NAMESPACE, name=NAME, uid=UID, living=self.living),
            self.cutover if self.living else None,
            tuple(self.steps),
            tuple(self.reports),
            tuple(self.acceptances),
            {TARGET: self.target.gathered()},
        )

    def archive(self) -> bytes:
        found = self.moved()
        gaps = () if self.living else (Gap(what="cutover", because="it is gone"),)
        manifest = Manifest(
            subject=found.subject,
            gathered_time=later_by(self.case.now, HOUR),
            gathered_by="sun.li",
            release="0.1.0",
            gaps=gaps,
        )
        return packed(manifest, {**found.files(), SUMMARY: cutover_summary_content(found)})

    def line(self, step: Step, event: str, number: int = 0) -> Document:
        """The line about it, to be changed."""
        found = [one for one in self.steps if (one["spec"]["step"], one["spec"]["event"]) == (step.value, event)]
        return found[number]


def _line(number: int, case: Case) -> Document:
    """Named as whoever writes it has to name it; what the operator ended has a recap."""
    one = case.steps[number]
    spec = one.spec
    if spec.until is None:
        changes = (GuestChanges(guest="source.old-web", changed=2),)
        spec = spec.model_copy(update={"recap": Recap(time=one.meta.created, seconds=1, tasks=12, changes=changes)})
    name = line_name(spec.cutover, spec.key, spec.attempt, spec.event)
    return document(STEPS, replace(one.meta, name=name), spec)
