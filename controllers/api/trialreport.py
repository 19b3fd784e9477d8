"""`TrialReport`: what a trial run showed, as both sides sign it. Written once, by the operator, named by its digest."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from controllers.api.customresource import AGE, Column, CustomResource, Rule, list_map, with_rules
from controllers.api.cutoverstep import MOST_MEASURES, Measure
from controllers.api.cutoversteps import Step
from controllers.api.fields import Identifier, ObjectName, UserName
from controllers.api.times import Time
from infra.stackplan import canonical_digest
from infra.wire import WireModel


class Trialled(WireModel):
    """One step of the way to the report."""

    step: Annotated[Step, Field(description="The step.")]
    by: Annotated[UserName, Field(description="Who ran it.")]
    begun: Annotated[Time, Field(description="When it was begun.")]
    done: Annotated[Time, Field(description="When it was done.")]
    measured: Annotated[
        tuple[Measure, ...],
        Field(max_length=MOST_MEASURES, description="What was measured.", json_schema_extra=list_map("name")),
    ] = ()


class TrialContent(WireModel):
    """Everything a signature is about."""

    cutover: Annotated[ObjectName, Field(description="The Cutover.")]
    cutover_uid: Annotated[Identifier, Field(description="Its uid: another of the same name is another cutover.")]
    scope: Annotated[str, Field(max_length=16, description="Digest of what moves, from where, to where.")]
    target: Annotated[ObjectName, Field(description="The ResourceRequest that was tried.")]
    plan: Annotated[str, Field(max_length=63, description="Its plan in force: exactly what was tried.")]
    plan_digest: Annotated[str, Field(max_length=64, description="Digest of that plan.")]
    begun: Annotated[Time, Field(description="When the trial began.")]
    ended: Annotated[Time, Field(description="When it ended.")]
    days: Annotated[int, Field(ge=0, le=10_000, description="Whole days between.")]
    steps: Annotated[
        tuple[Trialled, ...], Field(max_length=16, description="What was done, in order, and what was measured.")
    ]


class TrialReportSpec(TrialContent):
    """One exact report. Accepting it means these words; its name ends with the first ten of the digest."""

    model_config = ConfigDict(
        json_schema_extra=with_rules(
            Rule(
                "self == oldSelf",
                "a report cannot be changed; another trial makes another",
                reason="FieldValueForbidden",
            )
        )
    )

    digest: Annotated[
        str,
        Field(
            max_length=64,
            pattern=r"^[0-9a-f]{64}$",
            description="SHA-256 over the canonical JSON of all other fields.",
        ),
    ]


def report_digest(content: TrialContent) -> str:
    """SHA-256 (hex) over the canonical JSON (RFC 8785) of everything but the digest itself; defaults left out."""
    return canonical_digest(content.model_dump(mode="json", by_alias=True, exclude={"digest"}, exclude_defaults=True))


def sealed(content: TrialContent) -> TrialReportSpec:
    """The report with its digest."""
    return TrialReportSpec(**content.model_dump(), digest=report_digest(content))


def report_name(cutover: str, digest: str) -> str:
    """The object's name: it names the cutover and the content."""
    return f"{cutover}-{digest[:10]}"


RESOURCE = CustomResource(
    kind="TrialReport",
    plural="trialreports",
    short_names=("tr",),
    description="What a trial run showed. It cannot be changed; both sides accept exactly this, or do not.",
    scope="Namespaced",
    spec=TrialReportSpec,
    status=None,
    selectable=(".spec.cutover",),
    columns=(
        Column("Cutover", ".spec.cutover"),
        Column("Target", ".spec.target"),
        Column("Days", ".spec.days", "integer"),
        AGE,
        Column("Plan", ".spec.plan", wide=True),
        Column("Digest", ".spec.digest", wide=True),
    ),
)
