"""`Zone`: a network security zone, its catalogue and its rules. Written by the provider; policy as data."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from controllers.api.conditions import Conditions
from controllers.api.fields import (
    CatalogueName,
    CidrText,
    Identifier,
    LongText,
    MonthlyYuan,
    ShortText,
)
from infra.wire import WireModel


class ZoneClass(StrEnum):
    """Which of the three worlds of the government network a zone belongs to."""

    EXTRANET = "Extranet"
    PRIVATE = "Private"
    INTERNET = "Internet"


class ZoneImage(WireModel):
    """An image departments may use in this zone."""

    name: Annotated[CatalogueName, Field(description="Name of the image in Glance.")]
    minimum_disk_gib: Annotated[
        int, Field(ge=0, le=2048, description="Smallest boot disk this image fits on, GiB.")
    ] = 0


class ZoneFlavor(WireModel):
    """A server size departments may use in this zone, with what it counts and costs."""

    name: Annotated[CatalogueName, Field(description="Name of the flavor in Nova.")]
    vcpus: Annotated[int, Field(ge=1, le=512, description="Virtual processors.")]
    memory_mib: Annotated[int, Field(ge=1, le=8_388_608, description="Memory, MiB.")]
    disk_gib: Annotated[int, Field(ge=0, le=65_536, description="The flavor's own disk, GiB.")]
    monthly_yuan: Annotated[MonthlyYuan, Field(description="Cost of one server a month, yuan.")] = 0


class BaseRule(WireModel):
    """An egress every server of the zone has, such as DHCP, DNS or time."""

    purpose: Annotated[ShortText, Field(description="What it is for, as an officer reads it.")]
    protocol: Annotated[Literal["tcp", "udp"], Field(description="Transport protocol.")]
    port: Annotated[int, Field(ge=1, le=65535, description="Destination port.")]
    to: Annotated[CidrText, Field(description="Destination prefix.")]


class ZoneSpec(WireModel):
    """A network zone: where its servers are attached, what they may be and what they may reach."""

    class_: Annotated[
        ZoneClass, Field(alias="class", description="Extranet, Private or Internet; fixes the basic rules.")
    ]
    description: Annotated[LongText, Field(description="What belongs into this zone.")] = ""
    uplink: Annotated[
        CatalogueName,
        Field(description="Name of the external network that routers of this zone are attached to."),
    ]
    source_nat: Annotated[bool, Field(description="Whether servers leave the zone under the router's address.")] = False
    subnet_pool: Annotated[
        CatalogueName, Field(description="Name of the subnet pool that this zone's networks come from.")
    ]
    prefixes: Annotated[
        tuple[CidrText, ...],
        Field(min_length=1, max_length=16, description="All prefixes of the zone; no other zone has them."),
    ]
    reserved_prefixes: Annotated[
        tuple[CidrText, ...],
        Field(max_length=16, description="Parts of the prefixes that requests never get, such as the uplink's."),
    ] = ()
    images: Annotated[tuple[ZoneImage, ...], Field(max_length=64, description="Images that may be used.")] = ()
    flavors: Annotated[tuple[ZoneFlavor, ...], Field(max_length=64, description="Flavors that may be used.")] = ()
    volume_monthly_yuan_per_gib: Annotated[
        int, Field(ge=0, le=1000, description="Cost of one GiB of volume a month, yuan.")
    ] = 0
    base_rules: Annotated[tuple[BaseRule, ...], Field(max_length=16, description="Egress that every server has.")] = ()


class ResolvedName(WireModel):
    """A catalogue name and the id behind it."""

    name: CatalogueName
    id: Identifier


class ZoneStatus(WireModel):
    """What OpenStack has of what the spec names."""

    observed_generation: int | None = None
    uplink_id: Identifier | None = None
    subnet_pool_id: Identifier | None = None
    address_scope_id: Identifier | None = None
    images: Annotated[tuple[ResolvedName, ...], Field(max_length=64)] = ()
    flavors: Annotated[tuple[ResolvedName, ...], Field(max_length=64)] = ()
    volumes: Annotated[bool, Field(description="Whether the cloud has block storage for this zone.")] = False
    conditions: Conditions = ()
