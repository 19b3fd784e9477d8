"""The status of a `Cutover`: where the service lives, how far the way is gone, and until when the original stays."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from controllers.api.acceptance import Subject, Verdict
from controllers.api.conditions import Conditions
from controllers.api.customresource import AGE, MESSAGE, READY, REASON, Column, CustomResource, list_map
from controllers.api.cutover import CutoverSpec
from controllers.api.cutoverstep import MOST_MEASURES, Measure
from controllers.api.cutoversteps import Side, Step
from controllers.api.fields import OBJECT_NAME_SCHEMA, Generation, ObjectName, UserName
from controllers.api.times import Time
from infra.wire import WireModel


class PartyDecision(WireModel):
    """One signature that counts."""

    party: Annotated[ObjectName, Field(description="For whom.")]
    of: Annotated[Subject, Field(description="Trial or Release.")]
    decision: Annotated[Verdict, Field(description="Accepted or Rejected.")]
    signer: Annotated[UserName, Field(description="Who signed.")]


class Underway(WireModel):
    """The step that runs."""

    step: Annotated[Step, Field(description="The step.")]
    attempt: Annotated[int, Field(ge=1, description="Which attempt.")]
    by: Annotated[UserName, Field(description="Who runs it.")]
    done: Annotated[int, Field(ge=0, description="Steps of this stage that are done.")]
    total: Annotated[int, Field(ge=0, description="Steps of this stage.")]


class Losses(WireModel):
    """Writes since the switch that a rollback loses, as counted on the frozen target."""

    digest: Annotated[str, Field(max_length=64, description="What `spec.rollBack.loses` has to say.")]
    writes: Annotated[int, Field(ge=0, description="How many.")]
    lines: Annotated[
        tuple[Measure, ...],
        Field(max_length=MOST_MEASURES, description="By table and folder.", json_schema_extra=list_map("name")),
    ] = ()


class CutoverStatus(WireModel):
    """What is known of the cutover; written by the operator only."""

    observed_generation: Generation | None = None
    live: (
        Annotated[
            Side, Field(description="Which side takes writes. Neither from before the source is frozen: never both.")
        ]
        | None
    ) = None
    underway: Annotated[Underway, Field(description="The step that runs; absent when none does.")] | None = None
    report: Annotated[str, Field(max_length=63, description="The newest TrialReport: what is signed.")] | None = None
    report_digest: Annotated[str, Field(max_length=64, description="Its digest.")] | None = None
    required_parties: Annotated[
        tuple[ObjectName, ...], Field(max_length=16, description="Who has to accept the report.")
    ] = ()
    acceptances: Annotated[
        tuple[PartyDecision, ...], Field(max_length=64, description="Signatures that count for it.")
    ] = ()
    trial_days: (
        Annotated[
            int, Field(ge=1, description="How many days the trial lasts at least, by the spec and the procedure.")
        ]
        | None
    ) = None
    trial_day_seconds: (
        Annotated[int, Field(ge=1, description="In a sandbox only: how long a day of a trial is there.")] | None
    ) = None
    switched_time: (
        Annotated[Time, Field(description="When the target began to take writes; absent after a rollback.")] | None
    ) = None
    downtime_seconds: (
        Annotated[int, Field(ge=0, description="From freezing the source until the target took writes.")] | None
    ) = None
    retain_until: Annotated[Time, Field(description="The original stays until then, whoever wants it gone.")] | None = (
        None
    )
    losses: Annotated[Losses, Field(description="What a rollback loses; once it is counted.")] | None = None
    released_time: Annotated[Time, Field(description="When the original was released.")] | None = None
    conditions: Conditions = ()


RESOURCE = CustomResource(
    kind="Cutover",
    plural="cutovers",
    short_names=("co",),
    description="Moves a live system onto the cloud: rehearsed, tried, signed, cut over, watched, and kept behind.",
    scope="Namespaced",
    spec=CutoverSpec,
    status=CutoverStatus,
    name_schema=OBJECT_NAME_SCHEMA,
    columns=(
        Column("Target", ".spec.target"),
        Column("Stage", ".spec.stage"),
        Column("Live", ".status.live"),
        READY,
        REASON,
        AGE,
        Column("Step", ".status.underway.step", wide=True),
        Column("Report", ".status.report", wide=True),
        Column("Retained", ".status.retainUntil", wide=True),
        MESSAGE,
    ),
)
