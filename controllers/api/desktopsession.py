"""`DesktopSession`: one opening of one desktop by the person it belongs to. Whose it is says the API server.

Nothing secret is in it: the person's program keeps a secret and writes only its digest here, so whoever may read
sessions can open none. The broker lets in once, soon after, who shows the secret.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from controllers.api.conditions import Conditions
from controllers.api.customresource import AGE, MESSAGE, READY, REASON, Column, CustomResource, Rule, with_rules
from controllers.api.fields import Generation, Identifier, ObjectName, UserName
from controllers.api.times import Time
from infra.wire import WireModel


class DesktopSessionSpec(WireModel):
    """Who wants in, and how to know them again."""

    model_config = ConfigDict(
        json_schema_extra=with_rules(
            Rule("self == oldSelf", "a session cannot be changed; open another", reason="FieldValueForbidden")
        )
    )

    request: Annotated[ObjectName, Field(description="The ResourceRequest with the desktop.")]
    user: Annotated[UserName, Field(description="The authenticated user. Stamped by the API server; leave it out.")]
    key: Annotated[
        str,
        Field(
            max_length=64,
            pattern=r"^[0-9a-f]{64}$",
            description="SHA-256 of the secret that `kubectl kunlun desktop open` keeps and shows to the broker.",
        ),
    ]


class DesktopUse(WireModel):
    """What became of a session; written by the broker only."""

    opened_time: Annotated[Time, Field(description="When it was opened; a session is opened once.")]
    active_time: Annotated[Time, Field(description="When its user last typed or pointed.")] | None = None
    closed_time: Annotated[Time, Field(description="When it ended.")] | None = None
    client: Annotated[str, Field(max_length=64, description="Address of the browser.")] = ""


class DesktopSessionStatus(WireModel):
    """Whether it may be opened, and what it opens; written by the operator, `use` by the broker."""

    observed_generation: Generation | None = None
    desktop: Annotated[str, Field(max_length=63, description="The desktop it opens.")] | None = None
    zone: Annotated[ObjectName, Field(description="Zone of the desktop.")] | None = None
    server: Annotated[Identifier, Field(description="Id of its server in OpenStack.")] | None = None
    address: Annotated[str, Field(max_length=45, description="Its address, for the broker.")] | None = None
    gateway: (
        Annotated[str, Field(max_length=45, description="Its router's address in the management network.")] | None
    ) = None
    url: Annotated[str, Field(max_length=512, description="Where the browser goes.")] | None = None
    expiry_time: Annotated[Time, Field(description="Until when it has to be opened.")] | None = None
    use: Annotated[DesktopUse, Field(description="What became of it; absent until it is opened.")] | None = None
    conditions: Conditions = ()


RESOURCE = CustomResource(
    kind="DesktopSession",
    plural="desktopsessions",
    short_names=("dsess",),
    description="One opening of one desktop by the person it belongs to.",
    scope="Namespaced",
    spec=DesktopSessionSpec,
    status=DesktopSessionStatus,
    columns=(
        Column("User", ".spec.user"),
        Column("Request", ".spec.request"),
        Column("Desktop", ".status.desktop"),
        READY,
        REASON,
        AGE,
        Column("Opened", ".status.use.openedTime", wide=True),
        Column("Closed", ".status.use.closedTime", wide=True),
        MESSAGE,
    ),
)
