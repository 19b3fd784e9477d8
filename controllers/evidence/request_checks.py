"""The checks on a request's objects: plans are what their digests say, and came into force by the right signatures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from controllers.api.decision import DecisionSpec, Outcome
from controllers.api.plan import PlanSpec, plan_digest, plan_name
from controllers.api.times import seconds_between
from controllers.evidence.gathered import Document, Gathered, name_of

NOT_YET_SECONDS = 120.0  # an approval that was just made may not be recorded yet


@dataclass(frozen=True, slots=True)
class Found:
    """What checks have found: `wrong` is what must not be, `checked` what is in order, `told` what cannot be said."""

    wrong: tuple[str, ...] = ()
    checked: tuple[str, ...] = ()
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """A request's evidence, parsed: plans by name, and the lines of the record."""

    found: Gathered
    time: str
    plans: Mapping[str, PlanSpec] = field(default_factory=dict)
    lines: tuple[DecisionSpec, ...] = ()


def check_request(found: Gathered, time: str) -> Found:
    """All checks on objects gathered at `time`. Raises what objects that are none of ours make it raise."""
    wrong = list[str]()
    case = Case(found, time, _plans(found, wrong), tuple(_lines(found, wrong)))
    checks: tuple[Callable[[Case], Iterator[str]], ...] = (_owners, _approvals, _record, _in_force)
    for check in checks:
        wrong += check(case)
    in_force = [line for line in case.lines if line.outcome is Outcome.IN_FORCE and line.plan in case.plans]
    checked = (
        f"{len(case.plans)} plans are what their digests say",
        f"{len(found.approvals)} approvals each name a plan, and its content where they name one",
        f"{len(case.lines)} lines of the record agree with them",
        f"{len(in_force)} of these plans came into force, each with every signature it needed",
    )
    gone = sorted({line.plan for line in case.lines} - case.plans.keys())
    told = (
        f"plan {name} is gone: its digest, words and signatures are in the record; its content, and with it "
        "which signatures it needed, is not"
        for name in gone
    )
    return Found(tuple(wrong), checked, tuple(told))


def _plans(found: Gathered, wrong: list[str]) -> dict[str, PlanSpec]:
    """Each with its digest computed anew (RFC 8785)."""
    plans = {}
    for document in found.plans:
        name = name_of(document)
        try:
            spec = PlanSpec.model_validate(document["spec"])
        except ValidationError as error:
            wrong.append(f"plan {name} cannot be read by this release: {error.errors()[0]['msg']}")
            continue
        digest, origin = plan_digest(spec), spec.stack.origin
        if digest != spec.digest or name != plan_name(origin.name, digest):
            wrong.append(f"plan {name} does not contain what its digest says: it is {digest}")
        plans[name] = spec
    return plans


def _lines(found: Gathered, wrong: list[str]) -> Iterator[DecisionSpec]:
    for document in found.decisions:
        try:
            yield DecisionSpec.model_validate(document["spec"], extra="ignore")
        except ValidationError as error:
            wrong.append(f"line {name_of(document)} cannot be read: {error.errors()[0]['msg']}")


def _owners(case: Case) -> Iterator[str]:
    """Everything is about the very request that the manifest names."""
    subject, request = case.found.subject, case.found.request
    if request is not None and request["metadata"].get("uid") != subject.uid:
        yield "the request is another one than the manifest names"
    if request is None and subject.living:
        yield "the request was there, and is not in the archive"
    for name, plan in case.plans.items():
        if plan.stack.origin.uid != subject.uid:
            yield f"plan {name} is of another request"
    for line in case.lines:
        if line.request_uid != subject.uid:
            yield f"a line about plan {line.plan} is of another request"


def _approvals(case: Case) -> Iterator[str]:
    """Each names a plan of this request, and the content that was read."""
    digests = {line.plan: line.digest for line in case.lines} | {name: plan.digest for name, plan in case.plans.items()}
    for document in case.found.approvals:
        spec = document["spec"]
        if spec["plan"] not in digests:
            yield f"approval {name_of(document)} names plan {spec['plan']}, which is not of this request"
        elif spec.get("digest") not in (None, digests[spec["plan"]]):
            yield f"approval {name_of(document)} is for another content of plan {spec['plan']}"


def _record(case: Case) -> Iterator[str]:
    """Every approval that is there is in the record, word for word, and the record speaks of the plans as they are."""
    recorded = {name_of(document): document["spec"] for document in case.found.decisions}
    for approval in case.found.approvals:
        spec, name = approval["spec"], name_of(approval)
        line = recorded.get(f"approval-{approval['metadata']['uid']}")
        if line is None and seconds_between(approval["metadata"]["creationTimestamp"], case.time) > NOT_YET_SECONDS:
            yield f"approval {name} is not in the record"
        elif line is None:
            continue
        elif _words(line) != (spec["plan"], spec["stage"], spec["approver"], spec["decision"]):
            yield f"the record says something else of approval {name} than it does"
    for line in case.lines:
        plan = case.plans.get(line.plan)
        if plan is not None and plan.digest != line.digest:
            yield f"the record has another digest of plan {line.plan} than the plan"


def _in_force(case: Case) -> Iterator[str]:
    """What came into force had every signature that its plan asks for, each another person's, none by who asked."""
    denied = {line.plan for line in case.lines if line.outcome is Outcome.DENIED and line.counted}
    for line in case.lines:
        plan = case.plans.get(line.plan)
        if line.outcome is not Outcome.IN_FORCE:
            continue
        if line.plan in denied:
            yield f"plan {line.plan} came into force although it was denied"
        if plan is None or plan.approved_by_policy:
            continue
        for needed in plan.stages:
            persons = {given.approver for given in _given(case, line.plan, needed.stage)}
            if len(persons) < needed.signatures:
                yield (
                    f"plan {line.plan} came into force with {len(persons)} of {needed.signatures} signatures "
                    f"of stage {needed.stage}"
                )
            if line.requested_by in persons:
                yield f"plan {line.plan} was approved by {line.requested_by}, who had asked for it"


def _given(case: Case, plan: str, stage: str) -> list[DecisionSpec]:
    return [
        line
        for line in case.lines
        if (line.plan, line.stage, line.outcome) == (plan, stage, Outcome.APPROVED) and line.counted
    ]


def _words(line: Document) -> tuple[Any, ...]:
    return line.get("plan"), line.get("stage"), line.get("approver"), line.get("outcome")
