"""Gather what the gates are decided from. The journal, the reports and the signatures come from the API server itself.

What was decided is in the journal, so a cache that lags could have a step done twice. Reads only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from controllers.api.stored import (
    ACCEPTANCES,
    CUTOVERS,
    REPORTS,
    REQUESTS,
    STEPS,
    SYSTEMS,
    TENANTS,
    Acceptance,
    Cutover,
    ResourceRequest,
    TrialReport,
    stored,
)
from controllers.api.trialreport import report_digest, report_name
from controllers.cutover.facts import Facts, Signature
from controllers.cutover.journal import journal_of
from controllers.cutover.parts import CutoverParts
from controllers.cutover.report import content_of, signed_report
from controllers.request.plans import plan_named
from policies.parties import CutoverCase


async def gather(cutover: Cutover, parts: CutoverParts) -> Facts:
    """Raises InvalidRequest when a line cannot be read: a journal with a gap decides nothing."""
    meta, spec, cache = cutover.meta, cutover.spec, parts.cache
    target = cache.get(REQUESTS, meta.namespace, spec.target)
    source = cache.get(REQUESTS, meta.namespace, spec.source.request) if spec.source.request else None
    plan, source_plan = (plan_named(one.status.approved_plan, one, cache) if one else None for one in (target, source))
    digest = plan.spec.digest if plan else ""
    lines = await parts.cluster.objects(STEPS, meta.namespace, field_selector=f"spec.cutover={meta.name}")
    case = _case(cutover, target, parts)
    procedure = parts.procedure.cutovers
    facts = Facts(
        cutover,
        parts.now(),
        journal_of(cutover, digest, [stored(STEPS, body) for body in lines]),
        target=target,
        plan_digest=digest,
        target_plan=plan,
        source=source,
        source_plan=source_plan,
        others=tuple(cache.all(CUTOVERS, meta.namespace)),
        parties=procedure.required(case),
        least_trial_days=procedure.least_days(case),
        trial_day_seconds=parts.settings.trial_day_seconds,
    )
    return await _with_report(facts, parts)


async def _with_report(facts: Facts, parts: CutoverParts) -> Facts:
    """The report that counts, as it lies in the cluster, and the signatures under it."""
    report = await _report(facts, parts)
    if report is None:
        return facts
    return replace(facts, report=report, signatures=await _signatures(report.meta.name, facts, parts))


async def _report(facts: Facts, parts: CutoverParts) -> TrialReport | None:
    """What the journal makes; once the source is frozen, what it was frozen under."""
    meta = facts.cutover.meta
    if facts.journal.frozen_time is not None:
        bodies = await parts.cluster.objects(REPORTS, meta.namespace, field_selector=f"spec.cutover={meta.name}")
        return signed_report((stored(REPORTS, body) for body in bodies), facts.journal)
    content = content_of(facts)
    if content is None:
        return None
    body = await parts.cluster.get(REPORTS, meta.namespace, report_name(meta.name, report_digest(content)))
    return stored(REPORTS, body) if body is not None else None


async def _signatures(report: str, facts: Facts, parts: CutoverParts) -> tuple[Signature, ...]:
    namespace = facts.cutover.meta.namespace
    bodies = await parts.cluster.objects(ACCEPTANCES, namespace, field_selector=f"spec.report={report}")
    found: Sequence[Acceptance] = [stored(ACCEPTANCES, body) for body in bodies]
    entitled = await asyncio.gather(*(_may_sign(one, parts) for one in found))
    return tuple(
        Signature(one.meta.name, one.spec, one.meta.created, may) for one, may in zip(found, entitled, strict=True)
    )


async def _may_sign(one: Acceptance, parts: CutoverParts) -> bool:
    spec: Any = one.spec
    return await parts.cluster.may_sign(spec.signer, spec.signer_groups, party=spec.party, namespace=one.meta.namespace)


def _case(cutover: Cutover, target: ResourceRequest | None, parts: CutoverParts) -> CutoverCase:
    """What is not known counts as what needs most: a system that is not filed, as one of the highest level."""
    namespace = cutover.meta.namespace
    system = parts.cache.get(SYSTEMS, namespace, target.spec.system) if target else None
    tenant = next((one.meta.name for one in parts.cache.all(TENANTS) if one.spec.namespace == namespace), "")
    level = system.spec.protection_level if system else 5
    return CutoverCase(tenant=tenant, protection_level=level, zone=target.spec.zone if target else "")
