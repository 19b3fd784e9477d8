"""What a cutover's gates are decided from, read through `kubectl`: so a person is told what the operator would say.

Whose signature counts is the operator's word (it may ask who holds which right); everything else is decided here anew.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from controllers.api.cutover import DAY_SECONDS
from controllers.api.stored import (
    ACCEPTANCES,
    CUTOVERS,
    PLANS,
    REPORTS,
    REQUESTS,
    STEPS,
    Acceptance,
    Cutover,
    Kind,
    Plan,
    ResourceRequest,
    Stored,
    TrialReport,
    stored,
)
from controllers.api.trialreport import report_digest, report_name
from controllers.cli.kubectl import ClusterError, Kubectl
from controllers.cli.text import plain
from controllers.cutover.facts import Facts, Signature
from controllers.cutover.journal import journal_of
from controllers.cutover.report import content_of, signed_report
from infra.errors import PlanForged
from infra.wire import WireModel

Spec = TypeVar("Spec", bound=WireModel)
Status = TypeVar("Status", bound=WireModel)


def read_facts(kubectl: Kubectl, name: str, *, now: str) -> Facts:
    """Raises ClusterError when there is no such cutover, or something of it may not be read."""
    cutover: Cutover | None = _found(kubectl, CUTOVERS, name)
    if cutover is None:
        raise ClusterError(f"there is no cutover named '{plain(name)}' here: is the namespace right?")
    spec, status = cutover.spec, cutover.status
    target = _found(kubectl, REQUESTS, spec.target)
    source = _found(kubectl, REQUESTS, spec.source.request) if spec.source.request else None
    plan, source_plan = _in_force(kubectl, target), _in_force(kubectl, source)
    digest = plan.spec.digest if plan else ""
    lines = [stored(STEPS, body) for body in kubectl.select(STEPS, f"spec.cutover={name}")]
    facts = Facts(
        cutover,
        now,
        journal_of(cutover, digest, lines),
        target=target,
        plan_digest=digest,
        target_plan=plan,
        source=source,
        source_plan=source_plan,
        others=tuple(stored(CUTOVERS, body) for body in kubectl.listed(CUTOVERS)),
        parties=status.required_parties,
        least_trial_days=status.trial_days or 1,
        trial_day_seconds=status.trial_day_seconds or DAY_SECONDS,
    )
    report = _report(kubectl, facts)
    return replace(facts, report=report, signatures=_signatures(kubectl, cutover, report) if report else ())


def _report(kubectl: Kubectl, facts: Facts) -> TrialReport | None:
    """The one that counts, as the operator finds it."""
    name = facts.cutover.meta.name
    if facts.journal.frozen_time is not None:
        found = kubectl.select(REPORTS, f"spec.cutover={name}")
        return signed_report((stored(REPORTS, body) for body in found), facts.journal)
    content = content_of(facts)
    return _found(kubectl, REPORTS, report_name(name, report_digest(content))) if content is not None else None


def verified_report(kubectl: Kubectl, name: str) -> TrialReport:
    """The report of this name. Raises PlanForged when it is not what its digest says: nobody should sign that."""
    report: TrialReport | None = _found(kubectl, REPORTS, name)
    if report is None:
        raise ClusterError(f"there is no trial report named '{plain(name)}' here: is the namespace right?")
    if report.spec.digest != report_digest(report.spec) or report_name(report.spec.cutover, report.spec.digest) != name:
        raise PlanForged(f"report '{name}' is not what its digest says; do not sign it, and tell the provider")
    return report


def _signatures(kubectl: Kubectl, cutover: Cutover, report: TrialReport) -> tuple[Signature, ...]:
    counted = {(one.party, one.of, one.signer) for one in cutover.status.acceptances}
    found: list[Acceptance] = [
        stored(ACCEPTANCES, body) for body in kubectl.select(ACCEPTANCES, f"spec.report={report.meta.name}")
    ]
    return tuple(
        Signature(
            one.meta.name,
            one.spec,
            one.meta.created,
            entitled=(one.spec.party, one.spec.of, one.spec.signer) in counted,
        )
        for one in found
    )


def _in_force(kubectl: Kubectl, request: ResourceRequest | None) -> Plan | None:
    name = request.status.approved_plan if request else None
    return _found(kubectl, PLANS, name) if name else None


def _found(kubectl: Kubectl, kind: Kind[Spec, Status], name: str) -> Stored[Spec, Status] | None:
    body = kubectl.find(kind, name)
    return stored(kind, body) if body is not None else None
