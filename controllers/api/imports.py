"""What a request says of objects that exist already, and of what happens to its objects at its end."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from controllers.api.customresource import list_map
from infra.wire import WireModel


class DeletionPolicy(StrEnum):
    """What deleting the request does to what exists for it, once the plan that says so is approved."""

    DELETE = "Delete"
    RELEASE = "Release"


class ImportSpec(WireModel):
    """One object of this request that exists already in the department's project of the zone."""

    name: Annotated[
        str,
        Field(
            max_length=80,
            pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$",
            description="Name within the plan, as in `status.resources`: server-web-0, port-web-0, boot-web-0, "
            "volume-web-0.records, public-web-0, network-app, subnet-app, group-web or router.",
        ),
    ]
    id: Annotated[
        str,
        Field(
            min_length=1,
            max_length=64,
            pattern=r"^[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?$",
            description="Its id in OpenStack.",
        ),
    ]


Imports = Annotated[
    tuple[ImportSpec, ...],
    Field(
        max_length=64,
        description="Objects of this request that exist already: taken over as they are, under these names, instead "
        "of being made. While an entry stands, its object is never replaced or built anew, except by an approved "
        "repair plan: then take the entry out.",
        json_schema_extra=list_map("name"),
    ),
]
DeletionPolicyField = Annotated[
    DeletionPolicy,
    Field(
        description="What deleting this request does, once approved: Delete removes everything; Release leaves "
        "everything running and manages it no longer."
    ),
]
