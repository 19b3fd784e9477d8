"""`Approval`: one officer's decision on one exact plan for one stage. Immutable."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from controllers.api.customresource import AGE, Column, CustomResource, Rule, with_rules
from controllers.api.fields import LongText, ObjectName, UserName
from infra.wire import WireModel


class Decision(StrEnum):
    """What an officer says of a plan."""

    APPROVED = "Approved"
    DENIED = "Denied"


class ApprovalSpec(WireModel):
    """A decision. The approver's identity comes from the API server's authentication, never from text."""

    model_config = ConfigDict(
        json_schema_extra=with_rules(
            Rule("self == oldSelf", "an Approval cannot be changed; create a new one", reason="FieldValueForbidden"),
            Rule(
                "self.decision != 'Denied' || self.reason.trim() != ''",
                "a denial must state a `reason`, so that the requester knows what to change",
                field=".reason",
            ),
        )
    )

    plan: Annotated[
        str,
        Field(
            max_length=63,
            pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?-[0-9a-f]{10}$",
            description="Name of the Plan: the newest plan of its request.",
        ),
    ]
    stage: Annotated[ObjectName, Field(description="The stage this decision is for, such as resource-office.")]
    decision: Annotated[Decision, Field(description="Approved or Denied.")]
    reason: Annotated[LongText, Field(description="Why; required for a denial.")] = ""
    digest: (
        Annotated[
            str,
            Field(
                max_length=64,
                pattern=r"^[0-9a-f]{64}$",
                description="Digest of the plan that was read; `kubectl kunlun` fills it in.",
            ),
        ]
        | None
    ) = None
    approver: Annotated[
        UserName,
        Field(description="The authenticated user who decides. Stamped by the API server; leave it out."),
    ]
    approver_groups: Annotated[
        tuple[Annotated[str, Field(max_length=253)], ...],
        Field(max_length=64, description="Groups of the approver. Stamped by the API server; leave it out."),
    ] = ()


RESOURCE = CustomResource(
    kind="Approval",
    plural="approvals",
    short_names=("appr",),
    description="One officer's decision on one exact plan, for one stage. It cannot be changed.",
    scope="Namespaced",
    spec=ApprovalSpec,
    status=None,
    selectable=(".spec.plan", ".spec.stage"),
    columns=(
        Column("Plan", ".spec.plan"),
        Column("Stage", ".spec.stage"),
        Column("Decision", ".spec.decision"),
        Column("Approver", ".spec.approver"),
        AGE,
        Column("Why", ".spec.reason", wide=True),
    ),
)
