"""`Decision`: one line of the record of who decided what, and what came of it. Written once, by the operator only.

An Approval says what an officer wanted; this says what the operator took it for, and outlives the plan and the request.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from controllers.api.customresource import AGE, Column, CustomResource, Rule, with_rules
from controllers.api.fields import Identifier, LongText, ObjectName, ShortText, UserName
from infra.wire import WireModel


class Outcome(StrEnum):
    """What happened."""

    APPROVED = "Approved"
    DENIED = "Denied"
    IN_FORCE = "InForce"


class DecisionSpec(WireModel):
    """One decision as it was taken, or a plan that came into force, with everything needed to read it later."""

    model_config = ConfigDict(
        json_schema_extra=with_rules(
            Rule("self == oldSelf", "what is recorded stays as it is", reason="FieldValueForbidden")
        )
    )

    request: Annotated[ObjectName, Field(description="The ResourceRequest.")]
    request_uid: Annotated[Identifier, Field(description="Its uid: another of the same name is another request.")]
    requested_by: Annotated[UserName, Field(description="Who asked.")]
    plan: Annotated[str, Field(max_length=63, description="The plan decided on.")]
    digest: Annotated[str, Field(max_length=64, description="Digest of that plan: exactly this content.")]
    summary: Annotated[ShortText, Field(description="What the plan did and cost, in words.")]
    outcome: Annotated[
        Outcome, Field(description="Approved or Denied by an officer; InForce: the plan came into force.")
    ]
    stage: Annotated[ObjectName, Field(description="The stage decided.")] | None = None
    approver: Annotated[UserName, Field(description="The authenticated user who decided.")] | None = None
    reason: Annotated[LongText, Field(description="Why, in the approver's words.")] = ""
    approval: Annotated[str, Field(max_length=253, description="Name of the Approval.")] | None = None
    decided_at: (
        Annotated[
            str,
            Field(max_length=32, description="When the Approval was made.", json_schema_extra={"format": "date-time"}),
        ]
        | None
    ) = None
    counted: Annotated[bool, Field(description="Whether it counted when it was recorded.")] = True
    note: Annotated[LongText, Field(description="Why it did not count, or by whose word the plan is in force.")] = ""


RESOURCE = CustomResource(
    kind="Decision",
    plural="decisions",
    short_names=("dec",),
    description="One line of the record of decisions. Nobody can change or remove it; it goes with its namespace.",
    scope="Namespaced",
    spec=DecisionSpec,
    status=None,
    selectable=(".spec.request", ".spec.plan", ".spec.outcome"),
    columns=(
        Column("Plan", ".spec.plan"),
        Column("Outcome", ".spec.outcome"),
        Column("Stage", ".spec.stage"),
        Column("Approver", ".spec.approver"),
        AGE,
        Column("Note", ".spec.note", wide=True),
    ),
)
