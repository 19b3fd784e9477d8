"""`InformationSystem`: the registry entry that decides who may ask at all."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from controllers.api.conditions import Conditions
from controllers.api.customresource import AGE, MESSAGE, READY, REASON, Column, CustomResource, list_set
from controllers.api.fields import OBJECT_NAME_SCHEMA, Generation, LongText, MonthlyYuan, ShortText
from infra.wire import WireModel


class Classification(StrEnum):
    """Only non-classified systems may be on the cloud."""

    CLASSIFIED = "Classified"
    NON_CLASSIFIED = "NonClassified"


class MigrationDecision(StrEnum):
    """What happens to the system in the migration plan."""

    MIGRATE = "Migrate"
    ADAPT = "AdaptThenMigrate"
    MERGE = "Merge"
    RETIRE = "Retire"
    EXEMPT = "Exempt"
    NEW = "New"


class InformationSystemSpec(WireModel):
    """One information system as filed. Without a filing number nothing is provisioned for it."""

    title: Annotated[ShortText, Field(min_length=1, description="Name of the project, as filed.")]
    filing_number: (
        Annotated[
            str,
            Field(
                max_length=64,
                pattern=r"^[A-Za-z0-9][-A-Za-z0-9/]*$",
                description="Number of the filing. Absent until the office has assigned it: unregistered.",
            ),
        ]
        | None
    ) = None
    owner: Annotated[ShortText, Field(min_length=1, description="The unit that answers for the system and its data.")]
    classification: Annotated[Classification, Field(description="Classified systems get nothing on this cloud.")]
    protection_level: Annotated[int, Field(ge=1, le=5, description="Graded protection level, 1 to 5.")]
    migration: Annotated[
        MigrationDecision, Field(description="Decision in the migration plan; New for a system born here.")
    ] = MigrationDecision.NEW
    funding_channel: Annotated[ShortText, Field(description="Source of the funds.")] = ""
    investment_yuan: Annotated[MonthlyYuan, Field(description="Investment, yuan.")] = 0
    yearly_operating_yuan: Annotated[MonthlyYuan, Field(description="Operating cost a year, yuan.")] = 0
    data_resources: Annotated[
        tuple[ShortText, ...],
        Field(max_length=64, description="Data the system holds.", json_schema_extra=list_set()),
    ] = ()
    purpose: Annotated[LongText, Field(description="What it is used for, by whom, how often.")] = ""


class InformationSystemStatus(WireModel):
    """Whether anything may be provisioned for it; written by the operator only."""

    observed_generation: Generation | None = None
    conditions: Conditions = ()


RESOURCE = CustomResource(
    kind="InformationSystem",
    plural="informationsystems",
    short_names=("isys",),
    description="An information system of the department, as filed: nothing is provisioned for what is not registered.",
    scope="Namespaced",
    spec=InformationSystemSpec,
    status=InformationSystemStatus,
    name_schema=OBJECT_NAME_SCHEMA,
    columns=(
        Column("Filing", ".spec.filingNumber"),
        Column("Classification", ".spec.classification"),
        Column("Level", ".spec.protectionLevel", "integer"),
        READY,
        REASON,
        AGE,
        Column("Title", ".spec.title", wide=True),
        Column("Owner", ".spec.owner", wide=True),
        Column("Migration", ".spec.migration", wide=True),
        MESSAGE,
    ),
)
