"""`Zone`: a network security zone, its catalogue and its rules. Written by the provider; policy as data."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

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
    list_set,
    with_rules,
)
from controllers.api.environment import Environment, TimeToLive
from controllers.api.fields import (
    OBJECT_NAME_SCHEMA,
    CatalogueName,
    CidrText,
    Generation,
    Identifier,
    LongText,
    MonthlyYuan,
    ObjectName,
    ShortText,
)
from controllers.api.ports import PortRange
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


class FlowOrigin(WireModel):
    """Where permitted traffic comes from: a zone, by its prefixes, or a prefix that belongs to no zone."""

    model_config = ConfigDict(
        json_schema_extra=with_rules(Rule("has(self.zone) != has(self.cidr)", "`from` must be `zone` or `cidr`"))
    )

    zone: Annotated[ObjectName, Field(description="Name of a Zone; this one's own for traffic within it.")] | None = (
        None
    )
    cidr: Annotated[CidrText, Field(description="A prefix; every part of it is meant, too.")] | None = None


class PermittedFlow(WireModel):
    """Traffic into this zone that a request may open. Of the entries that fit, the first counts."""

    from_: Annotated[FlowOrigin, Field(alias="from", description="Where it comes from: a `zone` or a `cidr`.")]
    ports: Annotated[
        tuple[PortRange, ...],
        Field(
            min_length=1,
            max_length=32,
            description="Ports that may be opened, such as tcp/443 or tcp/1-65535.",
            json_schema_extra=list_set(),
        ),
    ]
    stage: (
        Annotated[ObjectName, Field(description="Stage of approval that a plan with such a flow needs besides.")] | None
    ) = None
    purpose: Annotated[ShortText, Field(min_length=1, description="What it is for, as an officer reads it.")]


class Clipboard(StrEnum):
    """Which way text may be copied between a desktop and the browser it is shown in."""

    CLOSED = "Closed"
    TO_DESKTOP = "ToDesktop"
    FROM_DESKTOP = "FromDesktop"
    BOTH = "Both"


class DesktopRules(WireModel):
    """The terminal standard of a zone: what its desktops may do, whoever asks for them."""

    clipboard: Annotated[Clipboard, Field(description="Closed, ToDesktop, FromDesktop or Both.")] = Clipboard.CLOSED
    screen: Annotated[
        str,
        Field(max_length=9, pattern=r"^[1-9][0-9]{2,3}x[1-9][0-9]{2,3}$", description="Size of the screen, pixels."),
    ] = "1280x800"
    idle_minutes: Annotated[
        int, Field(ge=1, le=10_080, description="A desktop that nobody uses for so long is stopped; opening starts it.")
    ] = 30
    session_minutes: Annotated[
        int, Field(ge=1, le=1440, description="How long one opening lasts at most; then it is opened again.")
    ] = 480
    external_links: Annotated[
        tuple[BaseRule, ...],
        Field(max_length=16, description="What desktops may reach besides what every server may. None: nothing."),
    ] = ()


class ManagementNetwork(WireModel):
    """The provider's own network beside a zone, through which guests are configured."""

    network: Annotated[CatalogueName, Field(description="Name of the network; it has one subnet and no gateway.")]
    prefix: Annotated[CidrText, Field(description="Its prefix; no zone has it.")]


class ZoneSpec(WireModel):
    """A network zone: where its servers are attached, what they may be and what they may reach."""

    model_config = ConfigDict(
        json_schema_extra=with_rules(
            Rule(
                "self.reservedPrefixes.all(r, self.prefixes.exists(p, cidr(p).containsCIDR(r)))",
                "every reserved prefix must lie in one of `prefixes`",
                field=".reservedPrefixes",
            )
        )
    )

    class_: Annotated[
        ZoneClass,
        Field(
            alias="class",
            description="Extranet, Private or Internet; fixes the basic rules.",
            json_schema_extra=immutable("class", "make a new Zone"),
        ),
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
        Field(
            min_length=1,
            max_length=16,
            description="All prefixes of the zone; no other zone has them.",
            json_schema_extra=list_set(),
        ),
    ]
    reserved_prefixes: Annotated[
        tuple[CidrText, ...],
        Field(
            max_length=16,
            description="Parts of the prefixes that requests never get, such as the uplink's.",
            json_schema_extra=list_set(),
        ),
    ] = ()
    images: Annotated[
        tuple[ZoneImage, ...],
        Field(max_length=64, description="Images that may be used.", json_schema_extra=list_map("name")),
    ] = ()
    flavors: Annotated[
        tuple[ZoneFlavor, ...],
        Field(max_length=64, description="Flavors that may be used.", json_schema_extra=list_map("name")),
    ] = ()
    volume_monthly_yuan_per_gib: Annotated[
        int, Field(ge=0, le=1000, description="Cost of one GiB of volume a month, yuan.")
    ] = 0
    base_rules: Annotated[tuple[BaseRule, ...], Field(max_length=16, description="Egress that every server has.")] = ()
    flows: Annotated[
        tuple[PermittedFlow, ...],
        Field(max_length=64, description="Flows into this zone that requests may open; every other is refused."),
    ] = ()
    environments: Annotated[
        tuple[Environment, ...],
        Field(
            min_length=1,
            max_length=2,
            description="Which environments requests of this zone may be. One without Test is never touched by a test.",
            json_schema_extra=list_set(),
        ),
    ] = (Environment.PRODUCTION, Environment.TEST)
    longest_time_to_live: Annotated[
        TimeToLive, Field(description="The longest `timeToLive` of a request, extensions included.")
    ] = "14d"
    management: (
        Annotated[
            ManagementNetwork,
            Field(description="How guests are reached to be configured. Absent: servers of this zone have no roles."),
        ]
        | None
    ) = None
    desktop_rules: Annotated[DesktopRules, Field(description="The rules of this zone's desktops.")] = DesktopRules()


class ResolvedName(WireModel):
    """A catalogue name and the id behind it."""

    name: Annotated[CatalogueName, Field(description="Name in the zone's catalogue.")]
    id: Annotated[Identifier, Field(description="Id in OpenStack.")]


class ZoneStatus(WireModel):
    """What OpenStack has of what the spec names; written by the operator only."""

    observed_generation: Generation | None = None
    uplink_id: Annotated[Identifier, Field(description="Id of the external network.")] | None = None
    subnet_pool_id: Annotated[Identifier, Field(description="Id of the subnet pool.")] | None = None
    address_scope_id: Annotated[Identifier, Field(description="Id of the pool's address scope.")] | None = None
    management_network_id: Annotated[Identifier, Field(description="Id of the management network.")] | None = None
    management_subnet_id: Annotated[Identifier, Field(description="Id of its subnet.")] | None = None
    images: Annotated[tuple[ResolvedName, ...], Field(max_length=64, description="Images that the cloud has.")] = ()
    flavors: Annotated[tuple[ResolvedName, ...], Field(max_length=64, description="Flavors that the cloud has.")] = ()
    volumes: Annotated[bool, Field(description="Whether the cloud has block storage for this zone.")] = False
    conditions: Conditions = ()


RESOURCE = CustomResource(
    kind="Zone",
    plural="zones",
    short_names=("kz",),
    description="A network security zone: where its servers are attached, what they may be and what they may reach.",
    scope="Cluster",
    spec=ZoneSpec,
    status=ZoneStatus,
    name_schema=OBJECT_NAME_SCHEMA,
    columns=(
        Column("Class", ".spec.class"),
        READY,
        REASON,
        AGE,
        Column("Prefixes", ".spec.prefixes", wide=True),
        Column("Uplink", ".spec.uplink", wide=True),
        Column("Subnet-Pool", ".spec.subnetPool", wide=True),
        MESSAGE,
    ),
)
