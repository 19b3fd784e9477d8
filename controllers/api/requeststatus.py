"""The status of a `ResourceRequest`: what is known of it, as the operator writes it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from controllers.api.conditions import Conditions
from controllers.api.desktops import DesktopStatus
from controllers.api.fields import Generation, Identifier, ObjectName, UserName
from controllers.api.recap import Recap
from controllers.api.times import Time
from infra.stackplan import MOST_DESKTOPS, DeletionPolicy, Kind
from infra.wire import WireModel


class StageDecision(WireModel):
    """One decision that counts for the newest plan."""

    stage: Annotated[ObjectName, Field(description="The stage decided.")]
    decision: Annotated[Literal["Approved", "Denied"], Field(description="Approved or Denied.")]
    approver: Annotated[UserName, Field(description="Who decided.")]
    reason: Annotated[str, Field(max_length=1024, description="Why, in the approver's words.")] = ""
    until: (
        Annotated[
            str,
            Field(
                max_length=32,
                description="When it ceases to count, unless the plan is in force by then; absent: never.",
                json_schema_extra={"format": "date-time"},
            ),
        ]
        | None
    ) = None


class ResourceStatus(WireModel):
    """One object in OpenStack that belongs to this request."""

    kind: Annotated[Kind, Field(description="Kind of the object in OpenStack.")]
    name: Annotated[str, Field(max_length=80, description="The object's name within the plan.")]
    id: Annotated[str, Field(max_length=128, description="Its id in OpenStack.")]
    fingerprint: (
        Annotated[str, Field(max_length=64, description="Its fingerprint in the plan, of data volumes.")] | None
    ) = None
    address: Annotated[str, Field(max_length=45, description="Its address, where it has one.")] | None = None


class Progress(WireModel):
    """How far the running pass is."""

    done: Annotated[int, Field(ge=0, description="Objects done.")]
    total: Annotated[int, Field(ge=0, description="Objects to be done in this pass.")]
    step: Annotated[str, Field(max_length=256, description="What is being done now.")] = ""


class Configured(WireModel):
    """What the guests were made ready by last; while it stays as it is, nothing is run."""

    plan: Annotated[str, Field(max_length=63, description="The plan that was in force.")]
    guests: Annotated[str, Field(max_length=64, description="Digest of the guests, and of what each was told.")]
    roles: Annotated[str, Field(max_length=64, description="Digest of the content of their roles.")]
    recap: (
        Annotated[Recap, Field(description="The run that did it; absent from statuses of earlier releases.")] | None
    ) = None


class Replacements(WireModel):
    """How often servers of a plan were built anew because OpenStack could not build them."""

    plan: Annotated[str, Field(max_length=63, description="The plan they belong to; another begins at none.")]
    count: Annotated[
        int, Field(ge=0, le=100, description="How often; after three a person is asked, unless it is for want of room.")
    ]


class ResourceRequestStatus(WireModel):
    """What is known of the request; written by the operator only."""

    observed_generation: Generation | None = None
    plan: Annotated[str, Field(max_length=63, description="The newest plan: what officers decide on.")] | None = None
    plan_digest: Annotated[str, Field(max_length=64, description="Digest of the newest plan.")] | None = None
    approved_plan: (
        Annotated[str, Field(max_length=63, description="The plan in force: what is, or is being, built.")] | None
    ) = None
    building_plan: (
        Annotated[
            str,
            Field(
                max_length=63,
                description="Written before the first change to the cloud; without it nothing exists.",
            ),
        ]
        | None
    ) = None
    built_plan: (
        Annotated[
            str, Field(max_length=63, description="The plan that was made true; absent while one is being built.")
        ]
        | None
    ) = None
    deletion_policy: (
        Annotated[DeletionPolicy, Field(description="What deleting the request does, by the plan in force.")] | None
    ) = None
    expiry_time: (
        Annotated[Time, Field(description="When the request is deleted by its `timeToLive`; absent: never.")] | None
    ) = None
    required_stages: Annotated[
        tuple[ObjectName, ...], Field(max_length=32, description="Who has to approve the newest plan.")
    ] = ()
    approvals: Annotated[
        tuple[StageDecision, ...], Field(max_length=192, description="Decisions that count for the newest plan.")
    ] = ()
    recorded: (
        Annotated[str, Field(max_length=16, description="Fingerprint of the approvals that are in the record.")] | None
    ) = None
    project: Annotated[Identifier, Field(description="Id of the Keystone project that owns the objects.")] | None = None
    resources: Annotated[
        tuple[ResourceStatus, ...], Field(max_length=1024, description="What exists in OpenStack for this request.")
    ] = ()
    desktops: Annotated[
        tuple[DesktopStatus, ...], Field(max_length=MOST_DESKTOPS, description="The desktops, and whose they are.")
    ] = ()
    configured: (
        Annotated[Configured, Field(description="How guests were configured last; absent when they were not.")] | None
    ) = None
    progress: Annotated[Progress, Field(description="The running pass; absent when none runs.")] | None = None
    replacements: Annotated[Replacements, Field(description="Servers built anew; absent when none were.")] | None = None
    conditions: Conditions = ()
