"""`Tenant`: a department on the cloud: its namespace, its quota per zone, its budget."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from controllers.api.conditions import Conditions
from controllers.api.fields import Identifier, MonthlyYuan, ObjectName, ShortText
from infra.wire import WireModel


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


class TenantSpec(WireModel):
    """A department: it owns its systems and data; the provider runs the platform."""

    display_name: Annotated[ShortText, Field(description="Name of the department, as people write it.")]
    namespace: Annotated[
        str,
        Field(
            max_length=63,
            pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
            description="The namespace in which this department works. One department each.",
        ),
    ]
    quotas: Annotated[
        tuple[ZoneQuota, ...],
        Field(
            min_length=1,
            max_length=16,
            description="One entry for each zone the department may use.",
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["zone"]},
        ),
    ]
    monthly_budget_yuan: Annotated[
        MonthlyYuan, Field(description="What all approved plans together may cost a month, yuan.")
    ]
    contacts: Annotated[tuple[Contact, ...], Field(max_length=16)] = ()


class TenantProject(WireModel):
    """The tenant's Keystone project in one zone."""

    zone: ObjectName
    id: Identifier
    name: Annotated[str, Field(max_length=64)]


class TenantStatus(WireModel):
    observed_generation: int | None = None
    projects: Annotated[
        tuple[TenantProject, ...],
        Field(
            max_length=16,
            json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["zone"]},
        ),
    ] = ()
    conditions: Conditions = ()
