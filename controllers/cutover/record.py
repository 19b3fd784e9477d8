"""What is written down: a line before each step and one after it, and the trial's report. Repeating adds nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from controllers.api import OPERATOR_USER
from controllers.api.cutoverstep import CutoverStepSpec, line_name
from controllers.api.cutoversteps import Event, Step
from controllers.api.stored import REPORTS, STEPS, stored
from controllers.api.times import later_by
from controllers.api.trialreport import report_name, sealed
from controllers.cutover.facts import Facts
from controllers.cutover.report import content_of
from controllers.cutover.runner import Errand, Outcome
from controllers.parts import Parts
from infra.errors import ClusterUnavailable, CutoverBusy
from infra.wire import WireModel

NOTE_LENGTH = 1024


async def write_begun(errand: Errand, facts: Facts, *, seconds: float, parts: Parts) -> None:
    """The line before a step. Raises CutoverBusy when somebody else has begun the same attempt."""
    until = later_by(parts.now(), seconds)
    line = _line(facts, errand.step, key=errand.key, attempt=errand.attempt, event=Event.BEGUN, until=until)
    if await _written(line, facts, parts) != OPERATOR_USER:
        raise CutoverBusy(f"somebody else has begun step {errand.step}, attempt {errand.attempt}, at this moment")


async def write_ended(errand: Errand, outcome: Outcome, facts: Facts, parts: Parts) -> None:
    """The line after it; then it counts as ended."""
    failure, recap = outcome.failure, outcome.recap
    line = _line(
        facts,
        errand.step,
        key=errand.key,
        attempt=errand.attempt,
        event=Event.DONE if failure is None else Event.FAILED,
        measured=outcome.measured,
        recap=recap,
        note=failure.message[:NOTE_LENGTH] if failure else "",
    )
    await _written(line, facts, parts)
    parts.measures.cutovers.ended(errand.step, failure, recap.seconds if recap is not None else None)


async def ensure_report(facts: Facts, parts: Parts) -> Facts:
    """The report of a trial that has ended lies in the cluster."""
    content = content_of(facts)
    if facts.report is not None or content is None:
        return facts
    spec = sealed(content)
    name, namespace = report_name(facts.cutover.meta.name, spec.digest), facts.cutover.meta.namespace
    body = await parts.cluster.create(REPORTS, _body(name, namespace, spec))
    body = body or await parts.cluster.get(REPORTS, namespace, name)
    if body is None:
        raise ClusterUnavailable(f"report '{name}' cannot be written: install the CRDs of this release")
    return replace(facts, report=stored(REPORTS, body))


def _line(facts: Facts, step: Step, **fields: Any) -> CutoverStepSpec:
    meta = facts.cutover.meta
    return CutoverStepSpec(
        cutover=meta.name,
        cutover_uid=meta.uid,
        generation=meta.generation,
        scope=facts.journal.scope,
        step=step,
        by=OPERATOR_USER,
        **fields,
    )


async def _written(line: CutoverStepSpec, facts: Facts, parts: Parts) -> str:
    """Who has written the line of this name. An answer that was lost on its way is found by reading it."""
    name, namespace = line_name(line.cutover, line.key, line.attempt, line.event), facts.cutover.meta.namespace
    body = await parts.cluster.create(STEPS, _body(name, namespace, line))
    body = body or await parts.cluster.get(STEPS, namespace, name)
    if body is None:
        raise ClusterUnavailable("the journal cannot be written: install the CRDs of this release")
    return str(body["spec"]["by"])


def _body(name: str, namespace: str, spec: WireModel) -> dict[str, Any]:
    content = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {"metadata": {"name": name, "namespace": namespace}, "spec": content}
