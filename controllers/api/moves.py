"""What moves in a cutover: from which hosts, which folders and databases, and how callers find the other side."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from controllers.api.customresource import Rule, list_map, list_set, with_rules
from controllers.api.fields import EntryName, ObjectName
from infra.wire import WireModel

HostName = Annotated[str, Field(max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
FilePath = Annotated[str, Field(max_length=256, pattern=r"^/[-._/A-Za-z0-9]*$")]
FolderPath = Annotated[str, Field(max_length=256, pattern=r"^(/[.]?[-_A-Za-z0-9][-._A-Za-z0-9]*)+$")]
"""Not the root, and nothing that leads upwards: the target's folder is replaced, the source's is erased one day."""
Port = Annotated[int, Field(ge=1, le=65_535)]
UnitName = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9][-._@A-Za-z0-9]*$")]


class Packages(StrEnum):
    """What becomes of the packages of an old host before it moves."""

    AS_THEY_ARE = "AsTheyAre"
    UP_TO_DATE = "UpToDate"


class SourceHost(WireModel):
    """One host of the old system, known by its host key."""

    name: Annotated[HostName, Field(description="What the other fields call it.")]
    address: Annotated[
        str, Field(max_length=45, pattern=r"^[0-9a-fA-F.:]+$", description="Where SSH finds it, from the operator.")
    ]
    port: Annotated[Port, Field(description="Port of SSH.")] = 22
    user: Annotated[
        str, Field(max_length=32, pattern=r"^[a-z_][-a-z0-9_]*$", description="Who logs in; has to become root.")
    ] = "root"
    host_key: Annotated[
        str,
        Field(
            max_length=1024,
            pattern=r"^(ssh-ed25519|ecdsa-sha2-nistp[0-9]+|ssh-rsa) [A-Za-z0-9+/=]+$",
            description="Its public SSH host key; no other host is believed to be this one.",
        ),
    ]
    packages: Annotated[
        Packages,
        Field(
            description="UpToDate: `Adapt` brings all of them to what the host's package sources have, within the "
            "release of its distribution. Services that are updated are restarted."
        ),
    ] = Packages.AS_THEY_ARE
    postgres_major: (
        Annotated[
            int,
            Field(
                ge=10,
                le=99,
                description="Major version that `Adapt` brings its PostgreSQL to, which stands still meanwhile; "
                "absent: it stays as it is. A newer one is refused.",
            ),
        ]
        | None
    ) = None
    groups: Annotated[
        tuple[EntryName, ...],
        Field(max_length=8, description="Groups of the inventory, for hooks.", json_schema_extra=list_set()),
    ] = ()


class Source(WireModel):
    """Where the system lives now: hosts outside, or another request."""

    model_config = ConfigDict(
        json_schema_extra=with_rules(
            Rule("(size(self.hosts) > 0) != has(self.request)", "name either `hosts` or a `request`")
        )
    )

    hosts: Annotated[
        tuple[SourceHost, ...],
        Field(max_length=32, description="Hosts of the old system.", json_schema_extra=list_map("name")),
    ] = ()
    request: Annotated[ObjectName, Field(description="A ResourceRequest of this namespace.")] | None = None


class FileMove(WireModel):
    """A folder that moves, by rsync."""

    name: Annotated[EntryName, Field(description="What reports call it.")]
    host: Annotated[HostName, Field(description="The source host that has it.")]
    path: Annotated[FolderPath, Field(description="The folder there.")]
    to: Annotated[EntryName, Field(description="Entry of `servers` of the target; each of its servers gets a copy.")]
    target_path: Annotated[FolderPath, Field(description="The folder there; absent: the same path.")] | None = None


class DatabaseMove(WireModel):
    """A PostgreSQL database that moves, by a dump of it."""

    name: Annotated[EntryName, Field(description="What reports call it.")]
    database: Annotated[
        str, Field(max_length=63, pattern=r"^[a-z_][a-z0-9_]*$", description="Its name in PostgreSQL, on both sides.")
    ]
    host: Annotated[HostName, Field(description="The source host that has it.")]
    to: Annotated[EntryName, Field(description="Entry of `servers` of the target, of one server.")]


class Moves(WireModel):
    """What has to arrive."""

    files: Annotated[
        tuple[FileMove, ...], Field(max_length=32, description="Folders.", json_schema_extra=list_map("name"))
    ] = ()
    databases: Annotated[
        tuple[DatabaseMove, ...], Field(max_length=16, description="Databases.", json_schema_extra=list_map("name"))
    ] = ()


class SourceUnit(WireModel):
    """A service on a source host that writes."""

    host: Annotated[HostName, Field(description="The source host.")]
    unit: Annotated[UnitName, Field(description="Name of the service there.")]


class TargetUnit(WireModel):
    """A service on the target that writes."""

    servers: Annotated[EntryName, Field(description="Entry of `servers` of the target.")]
    unit: Annotated[UnitName, Field(description="Name of the service there.")]


class Health(WireModel):
    """How one sees that the system serves."""

    port: Annotated[Port, Field(description="Port that is asked, by HTTP.")] = 80
    path: Annotated[FilePath, Field(description="Path that answers 200 when all is well.")] = "/"
    within_seconds: Annotated[int, Field(ge=1, le=60, description="How soon it has to answer.")] = 5


class Proxy(WireModel):
    """A host in front of both sides that passes callers on."""

    host: Annotated[HostName, Field(description="The source host that is the proxy, or becomes it.")]
    port: Annotated[Port, Field(description="Where callers come.")]
    from_host: (
        Annotated[HostName, Field(description="The source host that serves them until then; absent: the proxy itself.")]
        | None
    ) = None
    from_port: Annotated[Port, Field(description="Port of that one.")]
    to: Annotated[EntryName, Field(description="Entry of `servers` of the target that serves them from then on.")]
    to_port: Annotated[Port, Field(description="Port of these servers.")]


class Switch(WireModel):
    """How callers come to the other side."""

    proxy: Annotated[Proxy, Field(description="By a proxy.")]


class Caller(WireModel):
    """A place from which the service has to be seen, one in each zone that calls it."""

    host: Annotated[HostName, Field(description="The source host that stands there.")]
    url: Annotated[
        str,
        Field(
            max_length=256,
            pattern=r"^https?://[-._~:/A-Za-z0-9]+$",
            description="What it asks, as callers do; 200 is good.",
        ),
    ]


class Service(WireModel):
    """What runs, how one sees that it does, and how its callers find it."""

    source: Annotated[
        tuple[SourceUnit, ...], Field(max_length=32, description="Stopped when the source is frozen, in this order.")
    ] = ()
    target: Annotated[
        tuple[TargetUnit, ...], Field(max_length=32, description="Started when the target is unfrozen, in this order.")
    ] = ()
    health: Annotated[Health, Field(description="How one sees that it serves.")] = Health()
    switch: Annotated[Switch, Field(description="How callers come to the other side.")]
    callers: Annotated[
        tuple[Caller, ...],
        Field(max_length=16, description="From where it is looked at; absent: from the proxy."),
    ] = ()
