"""`Approval`: one officer's decision on one exact plan for one stage. Immutable."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from controllers.api.fields import LongText, ObjectName, UserName
from infra.wire import WireModel


class Decision(StrEnum):
    APPROVED = "Approved"
    DENIED = "Denied"


class ApprovalSpec(WireModel):
    """A decision. The approver's identity comes from the API server's authentication, never from text."""

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
