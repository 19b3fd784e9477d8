"""The contract between deciding and doing: what will exist, to the last address.

A `StackPlan` is what officers sign. It names every object with everything that matters about it, so two
programs can work from it apart: `infra/stack.py` declares the objects to Pulumi, and `infra/provider`
refuses whatever is not exactly what `infra.planned` derives from the signed plan. This module imports
neither controllers nor Pulumi.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

import rfc8785
from pydantic import Field

from infra.wire import WireModel

MARKER_PREFIX = "kunlun.cloud"
MOST_REMOVALS = 1024
MOST_SERVERS, MOST_DESKTOPS = 64, 200
TERM_KEY = "kunlun.cloud.term"  # in Nova's metadata, beside the marker
MOST_GROUP_RULES = 200
DATA_VOLUME_PREFIX = "volume-"  # of logical names; boot volumes have another
PUBLIC_PREFIX = "public-"  # of a server's public address
TRANSIT_POOL = "100.64.0.0/10"  # shared address space (RFC 6598): no zone has it, and no guest ever sees it
TRANSIT_LENGTH = 29  # of a link's network: room for the two routers and nobody else

Name = Annotated[str, Field(max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
LogicalName = Annotated[str, Field(max_length=80, pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")]
Identifier = Annotated[str, Field(min_length=1, max_length=64)]
Address = Annotated[str, Field(max_length=45)]
Cidr = Annotated[str, Field(max_length=49)]


class Kind(StrEnum):
    """Every kind of OpenStack object Kunlun creates, in order of creation."""

    ROUTER = "Router"
    NETWORK = "Network"
    SUBNET = "Subnet"
    ROUTER_INTERFACE = "RouterInterface"
    ROUTER_ROUTES = "RouterRoutes"
    ADDRESS_GROUP = "AddressGroup"
    SECURITY_GROUP = "SecurityGroup"
    SECURITY_GROUP_RULES = "SecurityGroupRules"
    PORT = "Port"
    FLOATING_IP = "FloatingIP"
    VOLUME = "Volume"
    SERVER = "Server"
    VOLUME_ATTACHMENT = "VolumeAttachment"


class Origin(WireModel):
    """The request, and the very version of it, that a plan was made from."""

    namespace: Name
    name: Name
    uid: Annotated[str, Field(max_length=36)]
    generation: Annotated[int, Field(ge=1)]


class Project(WireModel):
    """The Keystone project (one per tenant and zone) that owns the objects."""

    id: Identifier
    name: Annotated[str, Field(max_length=64)]


class Resolved(WireModel):
    """A catalogue item: the name people write and the id OpenStack acts on."""

    id: Identifier
    name: Annotated[str, Field(max_length=255)]


class ManagementPlan(WireModel):
    """The router's place in its zone's management network, through which guests are configured."""

    network_id: Identifier
    subnet_id: Identifier
    address: Address
    prefix: Cidr


class RouterPlan(WireModel):
    """The one router of a request; it is attached to its own zone's uplink, and to its management network if asked."""

    uplink_id: Identifier
    source_nat: bool
    management: ManagementPlan | None = None


class NetworkPlan(WireModel):
    """A network with its one subnet. `service_*` is the range left to Neutron's own ports."""

    name: Name
    subnet_pool_id: Identifier
    cidr: Cidr
    gateway: Address
    service_first: Address
    service_last: Address


class RulePlan(WireModel):
    """One allowed direction. Exactly one of `remote_cidr`, `remote_group` and `remote_addresses` (of this plan)."""

    direction: Literal["ingress", "egress"]
    protocol: Literal["tcp", "udp", "icmp"]
    port_first: Annotated[int, Field(ge=1, le=65535)] | None = None
    port_last: Annotated[int, Field(ge=1, le=65535)] | None = None
    remote_cidr: Cidr | None = None
    remote_group: Name | None = None
    remote_addresses: LogicalName | None = None


class GroupPlan(WireModel):
    """A security group and all its rules; no rule outside this list exists in it."""

    name: Name
    rules: Annotated[tuple[RulePlan, ...], Field(max_length=MOST_GROUP_RULES)]


class AddressGroupPlan(WireModel):
    """The addresses of another request's servers of one entry; named `<request>.<entry>`."""

    name: LogicalName
    addresses: Annotated[tuple[Cidr, ...], Field(max_length=64)]


class LinkPlan(WireModel):
    """The way from another request's servers to ours: a network of its own that joins the two routers, and nobody else.

    The other's router is known by its request's uid: it may not exist yet, and is another object after a repair.
    `callers` are the other's servers that come, `called` ours that are reached.
    """

    request: Name
    uid: Annotated[str, Field(max_length=36)]
    zone: Name
    project_id: Identifier
    transit: Cidr
    callers: Annotated[tuple[Cidr, ...], Field(max_length=64)]
    called: Annotated[tuple[Cidr, ...], Field(max_length=64)]


class CallPlan(WireModel):
    """Another request that our servers may call: signing it permits the link of its plan to our router."""

    request: Name
    uid: Annotated[str, Field(max_length=36)]
    zone: Name


class VolumePlan(WireModel):
    """A data volume of one server."""

    name: Name
    size_gib: Annotated[int, Field(ge=1, le=16384)]
    on_delete: Literal["Retain", "Delete"] = "Retain"


class Seat(WireModel):
    """Whose desktop a server is. Another `term` is another server: nobody meets what the one before left on it.

    `resets` is how often the request had asked for a clean one when this plan was made.
    """

    user: Annotated[str, Field(min_length=1, max_length=253)] | None = None
    term: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    resets: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class RolloutPlan(WireModel):
    """How the desktops of one group come: `batch_size` at a time, and no more once `failure_budget` is exceeded."""

    group: Name
    batch_size: Annotated[int, Field(ge=1, le=MOST_DESKTOPS)]
    failure_budget: Annotated[int, Field(ge=0, le=MOST_DESKTOPS)] = 0


class ServerPlan(WireModel):
    """One server with its one port. `boot_volume_gib` None means the flavor's own disk; `seat` makes it a desktop.

    A public address comes from the router's uplink; which one it is, OpenStack decides.
    """

    name: Name
    group: Name
    flavor: Resolved
    image: Resolved
    network: Name
    address: Address
    boot_volume_gib: Annotated[int, Field(ge=1, le=2048)] | None = None
    volumes: Annotated[tuple[VolumePlan, ...], Field(max_length=4)] = ()
    seat: Seat | None = None
    public_address: bool = False
    roles: Annotated[tuple[Name, ...], Field(max_length=16)] = ()


class Removal(WireModel):
    """An existing object this plan takes away, named as its marker names it.

    With `id` (a repair) only that very object goes: the plan may name another of the same identity, made after it.
    """

    kind: Kind
    name: LogicalName
    fingerprint: Annotated[str, Field(pattern=r"^[0-9a-f]{12}$")]
    id: Annotated[str, Field(min_length=1, max_length=128)] | None = None


class Import(WireModel):
    """An object that exists already and becomes the planned object of this name: taken over, not made."""

    kind: Kind
    name: LogicalName
    id: Identifier


DeletionPolicy = Literal["Delete", "Release"]


class StackPlan(WireModel):
    """What will exist for one request in one zone, and what of the earlier plan will not any more.

    `supersedes` names the plan in force of the same version of the request, where only links changed: so a plan that
    was in force once, and signed, is never in force again without another signature.
    """

    origin: Origin
    zone: Name
    project: Project
    router: RouterPlan
    networks: Annotated[tuple[NetworkPlan, ...], Field(min_length=1, max_length=8)]
    groups: Annotated[tuple[GroupPlan, ...], Field(max_length=32)]
    servers: Annotated[tuple[ServerPlan, ...], Field(max_length=MOST_SERVERS + MOST_DESKTOPS)]
    rollouts: Annotated[tuple[RolloutPlan, ...], Field(max_length=16)] = ()
    removals: Annotated[tuple[Removal, ...], Field(max_length=MOST_REMOVALS)] = ()
    imports: Annotated[tuple[Import, ...], Field(max_length=80)] = ()
    deletion_policy: DeletionPolicy = "Delete"
    address_groups: Annotated[tuple[AddressGroupPlan, ...], Field(max_length=128)] = ()
    links: Annotated[tuple[LinkPlan, ...], Field(max_length=64)] = ()
    calls: Annotated[tuple[CallPlan, ...], Field(max_length=64)] = ()
    supersedes: Annotated[str, Field(max_length=63)] | None = None


def marker(uid: str, name: str, fingerprint: str) -> str:
    """The text every object carries from its first POST on (Neutron description, Nova and Cinder metadata)."""
    return f"{MARKER_PREFIX}/{uid}/{name}/{fingerprint}"


def marker_parts(text: str | None) -> tuple[str, str, str] | None:
    """(uid, logical name, fingerprint), or None when the text is no marker of ours."""
    parts = (text or "").split("/")
    match parts:
        case [prefix, uid, name, fingerprint] if prefix == MARKER_PREFIX:
            return uid, name, fingerprint
        case _:
            return None


def canonical_digest(content: Mapping[str, Any]) -> str:
    """SHA-256 (64 hex digits) over the canonical JSON of `content` (RFC 8785)."""
    return hashlib.sha256(rfc8785.dumps(dict(content))).hexdigest()
