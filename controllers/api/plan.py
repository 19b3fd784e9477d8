"""`Plan`: the immutable, digest-named statement of what will exist. Written by the operator only."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from controllers.api.customresource import AGE, Column, CustomResource, Rule, with_rules
from controllers.api.fields import Lifetime, MonthlyYuan, ObjectName, ShortText
from infra.stackplan import Kind, StackPlan, canonical_digest
from infra.wire import WireModel


class Operation(StrEnum):
    """What happens to one object."""

    CREATE = "Create"
    IMPORT = "Import"
    UPDATE = "Update"
    REPLACE = "Replace"
    DELETE = "Delete"


THE_REQUEST = "Request"


class Action(WireModel):
    """One change against what the plan in force has built, or to what will happen to the request itself."""

    operation: Annotated[Operation, Field(description="What happens to the object.")]
    kind: Annotated[
        str,
        Field(
            max_length=32,
            description="Kind of the object in OpenStack, or Request.",
            json_schema_extra={"enum": [*map(str, Kind), THE_REQUEST]},
        ),
    ]
    name: Annotated[str, Field(max_length=80, description="The object's name within the plan.")]
    detail: Annotated[str, Field(max_length=8192, description="What changes, in words.")] = ""


class RequiredStage(WireModel):
    """A stage that has to approve, and why."""

    stage: Annotated[ObjectName, Field(description="Name of the stage.")]
    because: Annotated[ShortText, Field(description="Why this plan needs it.")]
    signatures: Annotated[int, Field(ge=1, le=5, description="How many different persons have to approve.")] = 1
    after: Annotated[
        tuple[ObjectName, ...],
        Field(max_length=16, description="Stages that must have approved before; an earlier approval does not count."),
    ] = ()
    expires: (
        Annotated[
            Lifetime,
            Field(description="How long an approval counts while the plan is not in force yet, such as 14d."),
        ]
        | None
    ) = None


class CostLine(WireModel):
    """One line of the bill."""

    item: Annotated[ShortText, Field(description="What is paid for.")]
    count: Annotated[int, Field(ge=1, le=10_000_000, description="How many of it.")]
    monthly_yuan_each: Annotated[MonthlyYuan, Field(description="Cost of one a month, yuan.")]


class PlanContent(WireModel):
    """Everything an approval signs."""

    stack: Annotated[StackPlan, Field(description="What will exist, to the last address.")]
    actions: Annotated[
        tuple[Action, ...], Field(max_length=2048, description="What changes against the plan in force.")
    ]
    costs: Annotated[tuple[CostLine, ...], Field(max_length=64, description="The bill, line by line.")]
    monthly_yuan: Annotated[MonthlyYuan, Field(description="The bill's sum a month, yuan.")]
    stages: Annotated[tuple[RequiredStage, ...], Field(max_length=32, description="Who has to approve.")]
    approved_by_policy: Annotated[
        ShortText, Field(description="Why policy approves this plan by itself; empty when people decide.")
    ] = ""


class PlanSpec(PlanContent):
    """One exact plan. Approving it means these words; its name ends with the first ten of the digest."""

    model_config = ConfigDict(
        json_schema_extra=with_rules(
            Rule(
                "self == oldSelf",
                "a Plan cannot be changed; another request makes another",
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


def plan_digest(content: PlanContent) -> str:
    """SHA-256 (hex) over the canonical JSON (RFC 8785) of everything but the digest itself.

    Fields at their defaults are left out, so that a later release may add some without making old plans forged.
    """
    return canonical_digest(content.model_dump(mode="json", by_alias=True, exclude={"digest"}, exclude_defaults=True))


def plan_name(request_name: str, digest: str) -> str:
    """The Plan's object name: it names the request and the content."""
    return f"{request_name}-{digest[:10]}"


RESOURCE = CustomResource(
    kind="Plan",
    plural="plans",
    short_names=("pl",),
    description="One exact plan made from a ResourceRequest: what officers read and decide on. It cannot be changed.",
    scope="Namespaced",
    spec=PlanSpec,
    status=None,
    selectable=(".spec.stack.origin.name",),
    rules=(
        Rule(
            "self.metadata.name.endsWith('-' + self.spec.digest.substring(0, 10))",
            "a Plan is named <request>-<first ten of its digest>",
        ),
    ),
    columns=(
        Column("Request", ".spec.stack.origin.name"),
        Column("Generation", ".spec.stack.origin.generation", "integer"),
        Column("Zone", ".spec.stack.zone"),
        Column("Yuan/Month", ".spec.monthlyYuan", "integer"),
        AGE,
        Column("Digest", ".spec.digest", wide=True),
    ),
)
