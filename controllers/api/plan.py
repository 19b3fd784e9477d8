"""`Plan`: the immutable, digest-named statement of what will exist. Written by the operator only."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from controllers.api.fields import LongText, MonthlyYuan, ObjectName, ShortText
from infra.stackplan import Kind, StackPlan, canonical_digest
from infra.wire import WireModel


class Operation(StrEnum):
    """What happens to one object."""

    CREATE = "Create"
    UPDATE = "Update"
    REPLACE = "Replace"
    DELETE = "Delete"


class Action(WireModel):
    """One change against what the plan in force has built."""

    operation: Operation
    kind: Kind
    name: Annotated[str, Field(max_length=80)]
    detail: Annotated[LongText, Field(description="What changes, in words.")] = ""


class RequiredStage(WireModel):
    """A stage that has to approve, and why."""

    stage: ObjectName
    because: ShortText


class CostLine(WireModel):
    """One line of the bill."""

    item: ShortText
    count: Annotated[int, Field(ge=1)]
    monthly_yuan_each: MonthlyYuan


class PlanContent(WireModel):
    """Everything an approval signs."""

    stack: StackPlan
    actions: Annotated[tuple[Action, ...], Field(max_length=1024)]
    costs: Annotated[tuple[CostLine, ...], Field(max_length=64)]
    monthly_yuan: MonthlyYuan
    stages: Annotated[tuple[RequiredStage, ...], Field(max_length=16)]


class PlanSpec(PlanContent):
    """One exact plan. Approving it means these words; its name ends with the first ten of the digest."""

    digest: Annotated[
        str,
        Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 over the canonical JSON of all other fields."),
    ]


def plan_digest(content: PlanContent) -> str:
    """SHA-256 (hex) over the canonical JSON (RFC 8785) of everything but the digest itself."""
    return canonical_digest(content.model_dump(mode="json", by_alias=True, exclude={"digest"}))


def plan_name(request_name: str, digest: str) -> str:
    """The Plan's object name: it names the request and the content."""
    return f"{request_name}-{digest[:10]}"
