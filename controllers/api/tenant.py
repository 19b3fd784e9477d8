"""`Tenant`: a department on the cloud: its namespace, its quota per zone, its budget."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from controllers.api.conditions import Conditions
from controllers.api.customresource import (
    AGE,
    MESSAGE,
    READY,
    REASON,
    Column,
    CustomResource,
    Rule,
    immutable,
    list_map,
    with_rules,
)
from controllers.api.fields import OBJECT_NAME_SCHEMA, Generation, Identifier, MonthlyYuan, ObjectName, ShortText
from infra.wire import WireModel

CloudName = Annotated[str, Field(min_length=1, max_length=64)]


class ZoneQuota(WireModel):
    """What a tenant may use in one zone; it becomes the quota of the tenant's Keystone project there."""

    zone: Annotated[ObjectName, Field(description="Name of a Zone.")]
    servers: Annotated[int, Field(ge=0, le=10_000, description="Servers.")] = 10
    vcpus: Annotated[int, Field(ge=0, le=100_000, description="Virtual processors.")] = 20
    memory_gib: Annotated[int, Field(ge=0, le=1_000_000, description="Memory, GiB.")] = 40
    networks: Annotated[int, Field(ge=0, le=1000, description="Networks (and routers).")] = 10
    volume_gib: Annotated[int, Field(ge=0, le=10_000_000, description="Volume space, GiB.")] = 500


class Contact(WireModel):
    """A person to ask."""

    name: Annotated[ShortText, Field(description="Name of the person.")]
    role: Annotated[ShortText, Field(description="What the person answers for.")] = ""
    phone: Annotated[str, Field(max_length=32, description="Telephone number.")] = ""


class CloudReader(WireModel):
    """Somebody of the department as OpenStack knows them, in its default domain."""

    model_config = ConfigDict(
        json_schema_extra=with_rules(Rule("has(self.user) != has(self.group)", "a reader is a `user` or a `group`"))
    )

    user: Annotated[CloudName, Field(description="Name of a user in OpenStack.")] | None = None
    group: Annotated[CloudName, Field(description="Name of a group in OpenStack.")] | None = None


class TenantSpec(WireModel):
    """A department: it owns its systems and data; the provider runs the platform."""

    display_name: Annotated[ShortText, Field(min_length=1, description="Name of the department, as people write it.")]
    namespace: Annotated[
        str,
        Field(
            max_length=63,
            pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
            description="The namespace in which this department works. One department each.",
            json_schema_extra=immutable("namespace", "make a new Tenant"),
        ),
    ]
    quotas: Annotated[
        tuple[ZoneQuota, ...],
        Field(
            min_length=1,
            max_length=16,
            description="One entry for each zone the department may use.",
            json_schema_extra=list_map("zone"),
        ),
    ]
    monthly_budget_yuan: Annotated[
        MonthlyYuan, Field(description="What all approved plans together may cost a month, yuan.")
    ]
    monthly_test_budget_yuan: (
        Annotated[
            MonthlyYuan,
            Field(
                description="What small test environments may cost a month together without anybody's signature, yuan. "
                "Part of the budget; absent: people decide on all of them."
            ),
        ]
        | None
    ) = None
    readers: Annotated[
        tuple[CloudReader, ...],
        Field(
            max_length=32,
            description="People who may look at the department's projects in OpenStack: they get role reader, and "
            "nobody has any other. Absent: nobody.",
        ),
    ] = ()
    contacts: Annotated[tuple[Contact, ...], Field(max_length=16, description="Whom to ask.")] = ()


class TenantProject(WireModel):
    """The tenant's Keystone project in one zone."""

    zone: Annotated[ObjectName, Field(description="Name of the Zone.")]
    id: Annotated[Identifier, Field(description="Id of the project in Keystone.")]
    name: Annotated[str, Field(max_length=64, description="Name of the project in Keystone.")]


class TenantStatus(WireModel):
    """What the department has on the cloud; written by the operator only."""

    observed_generation: Generation | None = None
    projects: Annotated[
        tuple[TenantProject, ...],
        Field(
            max_length=16,
            description="The department's projects, one a zone.",
            json_schema_extra=list_map("zone"),
        ),
    ] = ()
    conditions: Conditions = ()


RESOURCE = CustomResource(
    kind="Tenant",
    plural="tenants",
    short_names=("tn",),
    description="A department on the cloud: its namespace, its quota in each zone, its budget.",
    scope="Cluster",
    spec=TenantSpec,
    status=TenantStatus,
    name_schema=OBJECT_NAME_SCHEMA,
    columns=(
        Column("Namespace", ".spec.namespace"),
        Column("Department", ".spec.displayName"),
        READY,
        REASON,
        AGE,
        Column("Budget", ".spec.monthlyBudgetYuan", "integer", wide=True),
        MESSAGE,
    ),
)
