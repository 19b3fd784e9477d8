"""`ResourceRequest`: what a department asks for one system in one zone, and what came of it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

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
from controllers.api.desktops import DesktopSpec
from controllers.api.environment import Environment, TimeToLive
from controllers.api.fields import (
    OBJECT_NAME_SCHEMA,
    CatalogueName,
    CidrText,
    EntryName,
    ObjectName,
    ShortText,
    UserName,
)
from controllers.api.imports import DeletionPolicy, DeletionPolicyField, Imports
from controllers.api.ports import PortRange
from controllers.api.requeststatus import ResourceRequestStatus
from infra.stackplan import MOST_SERVERS
from infra.wire import WireModel

NAMED_LIST = list_map("name")
ANOTHER_REQUEST = "make a new request"


class DriftPolicy(StrEnum):
    """What happens when the cloud no longer is what was approved."""

    REPORT = "Report"
    CORRECT = "Correct"


class NetworkSpec(WireModel):
    """A network of the request's own, carved from the zone's subnet pool."""

    name: Annotated[EntryName, Field(description="Name within the request.")]
    prefix_length: Annotated[int, Field(ge=20, le=29, description="Size: 28 gives 11 servers, 26 gives 59.")]


class VolumeSpec(WireModel):
    """A data volume that every server of the entry gets one of."""

    name: Annotated[EntryName, Field(description="Name within the server entry.")]
    size_gib: Annotated[int, Field(ge=1, le=16_384, description="Size, GiB. It can grow, not shrink.")]
    on_delete: Annotated[
        Literal["Retain", "Delete"],
        Field(description="Whether the volume outlives the server when a plan takes the server away."),
    ] = "Retain"


class ServerSpec(WireModel):
    """A number of equal servers, named `<name>-0`, `<name>-1` and so on."""

    name: Annotated[EntryName, Field(description="Name within the request; flows refer to it.")]
    count: Annotated[int, Field(ge=1, le=20, description="How many equal servers.")] = 1
    flavor: Annotated[CatalogueName, Field(description="Server size; see the zone's flavors.")]
    image: Annotated[CatalogueName, Field(description="Operating system image; see the zone's images.")]
    network: Annotated[EntryName, Field(description="Name of an entry in `networks`.")]
    boot_volume_gib: (
        Annotated[
            int,
            Field(
                ge=1,
                le=2048,
                description="Boot from a volume of this size, GiB. Absent: the flavor's own disk.",
            ),
        ]
        | None
    ) = None
    volumes: Annotated[
        tuple[VolumeSpec, ...],
        Field(max_length=4, description="Data volumes, one of each per server.", json_schema_extra=NAMED_LIST),
    ] = ()
    roles: Annotated[
        tuple[EntryName, ...],
        Field(max_length=16, description="Ansible roles from playbooks/roles, in order."),
    ] = ()
    public_address: Annotated[
        bool, Field(description="An address on the internet; Internet zone only, with its own approval.")
    ] = False


class FlowSource(WireModel):
    """Where a flow comes from: `cidr`, or `servers` of this request, or `servers` of another `request`."""

    model_config = ConfigDict(
        json_schema_extra=with_rules(
            Rule(
                "has(self.cidr) != has(self.servers) && (has(self.servers) || !has(self.request))",
                "`from` must be `cidr`, or `servers`, or `request` and `servers`; exactly one of these",
            )
        )
    )

    cidr: Annotated[CidrText, Field(description="A prefix, such as 10.20.0.0/16.")] | None = None
    request: Annotated[ObjectName, Field(description="Another ResourceRequest in this namespace.")] | None = None
    servers: Annotated[EntryName, Field(description="Name of a server entry.")] | None = None


class FlowSpec(WireModel):
    """A permitted direction. Whatever is not listed here is closed."""

    from_: Annotated[
        FlowSource,
        Field(
            alias="from",
            description="Who may connect: a `cidr`, or `servers` of this request, or `servers` of another `request`.",
        ),
    ]
    to: Annotated[EntryName, Field(description="Name of a server entry of this request.")]
    ports: Annotated[
        tuple[PortRange, ...],
        Field(
            min_length=1,
            max_length=32,
            description="Ports, such as tcp/443 or udp/5000-5010.",
            json_schema_extra=list_set(),
        ),
    ]
    purpose: Annotated[ShortText, Field(min_length=1, description="What it is for; officers read it.")]


def _named(entries: str, name: str, wanted: str, *, unless: str | None = None) -> Rule:
    """Each entry of the list `entries` has at `name` the name of an entry of `wanted`.

    The message is made by `format`: the cost of `+` and `join` is estimated beyond what a schema may spend.
    """
    exempt = f"{unless} || " if unless else ""
    dangling = f"!({exempt}self.{wanted}.exists(w, w.name == e.{name}))"
    return Rule(
        f"!self.{entries}.exists(e, {dangling})",
        f"`{name}` must name an entry of `{wanted}`",
        f"'`{name}` must name an entry of `{wanted}`, not %s'"
        f".format([self.{entries}.filter(e, {dangling}).map(e, e.{name})])",
        field=f".{entries}",
    )


SPEC_RULES = (
    Rule(
        "!has(self.timeToLive) || self.environment == 'Test'",
        "`timeToLive` is for `environment: Test` only",
        field=".timeToLive",
    ),
    Rule(
        "has(self.timeToLive) == has(oldSelf.timeToLive)",
        "a request has a `timeToLive` from its start or not at all; how long it is may change",
        field=".timeToLive",
        reason="FieldValueForbidden",
    ),
    *(
        Rule(f"!has(self.timeToLive) || {kept}", f"with a `timeToLive` nothing may stay: {message}", field=field)
        for kept, message, field in (
            ("self.deletionPolicy == 'Delete'", "`deletionPolicy` must be Delete", ".deletionPolicy"),
            ("size(self.imports) == 0", "take over what exists in a request without one", ".imports"),
            (
                "self.servers.all(s, s.volumes.all(v, v.onDelete == 'Delete'))",
                "`onDelete` of every volume must be Delete",
                ".servers",
            ),
        )
    ),
    Rule(
        f"self.servers.map(s, s.count).sum() <= {MOST_SERVERS}",
        f"a request has at most {MOST_SERVERS} servers in all",
        f"'a request has at most {MOST_SERVERS} servers in all, not %d'.format([self.servers.map(s, s.count).sum()])",
        field=".servers",
    ),
    _named("servers", "network", "networks"),
    _named("desktops", "network", "networks"),
    _named("flows", "to", "servers"),
    _named("flows", "from.servers", "servers", unless="!has(e.from.servers) || has(e.from.request)"),
)


class ResourceRequestSpec(WireModel):
    """What one system needs in one zone. Officers approve an exact plan made from it."""

    model_config = ConfigDict(json_schema_extra=with_rules(*SPEC_RULES))

    system: Annotated[
        ObjectName,
        Field(
            description="An InformationSystem in this namespace, registered and non-classified.",
            json_schema_extra=immutable("system", ANOTHER_REQUEST),
        ),
    ]
    zone: Annotated[
        ObjectName,
        Field(
            description="The network zone: extranet, private or internet.",
            json_schema_extra=immutable("zone", ANOTHER_REQUEST),
        ),
    ]
    environment: Annotated[
        Environment,
        Field(description="Production or Test.", json_schema_extra=immutable("environment", ANOTHER_REQUEST)),
    ] = Environment.PRODUCTION
    time_to_live: (
        Annotated[
            TimeToLive,
            Field(
                description="Test only: this long after it was created (such as 90m, 8h or 14d) the request is "
                "deleted, with everything that was built for it. A longer one extends it, as far as the zone permits."
            ),
        ]
        | None
    ) = None
    drift_policy: Annotated[
        DriftPolicy, Field(description="What to do when the cloud differs from the approved plan.")
    ] = DriftPolicy.REPORT
    networks: Annotated[
        tuple[NetworkSpec, ...],
        Field(min_length=1, max_length=8, description="Networks of this request.", json_schema_extra=NAMED_LIST),
    ]
    servers: Annotated[
        tuple[ServerSpec, ...],
        Field(max_length=16, description="Servers of this request.", json_schema_extra=NAMED_LIST),
    ] = ()
    desktops: Annotated[
        tuple[DesktopSpec, ...],
        Field(max_length=16, description="Cloud desktops of this request.", json_schema_extra=NAMED_LIST),
    ] = ()
    flows: Annotated[
        tuple[FlowSpec, ...], Field(max_length=64, description="Permitted traffic; all else is closed.")
    ] = ()
    imports: Imports = ()
    deletion_policy: DeletionPolicyField = DeletionPolicy.DELETE
    requested_by: Annotated[
        UserName,
        Field(
            description="The authenticated user who asked. Stamped by the API server; leave it out.",
            json_schema_extra=immutable("requestedBy", ANOTHER_REQUEST),
        ),
    ]


RESOURCE = CustomResource(
    kind="ResourceRequest",
    plural="resourcerequests",
    short_names=("rr",),
    description="What a department asks for one system in one zone, and what came of it.",
    scope="Namespaced",
    spec=ResourceRequestSpec,
    status=ResourceRequestStatus,
    name_schema=OBJECT_NAME_SCHEMA,
    selectable=(".spec.zone", ".spec.system"),
    columns=(
        READY,
        REASON,
        Column("Zone", ".spec.zone"),
        Column("System", ".spec.system"),
        AGE,
        Column("Plan", ".status.plan", wide=True),
        Column("Approved-Plan", ".status.approvedPlan", wide=True),
        Column("Step", ".status.progress.step", wide=True),
        Column("Expires", ".status.expiryTime", wide=True),
        MESSAGE,
    ),
)
