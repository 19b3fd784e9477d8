"""Cloud desktops in a request: what is asked for, and what its status tells of each."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from controllers.api.customresource import list_map, list_set
from controllers.api.fields import CatalogueName, EntryName, Identifier, UserName
from infra.stackplan import MOST_DESKTOPS
from infra.wire import WireModel

DesktopNumber = Annotated[
    int, Field(ge=0, le=MOST_DESKTOPS - 1, description="The desktop's number: 3 means `<name>-3`.")
]


class ResetSpec(WireModel):
    """A desktop that is to be clean again. Built anew when the plan for it is approved; what was on it is lost."""

    number: DesktopNumber
    times: Annotated[int, Field(ge=1, le=1_000_000, description="How often so far; one more asks for another reset.")]


class DesktopSpec(WireModel):
    """A number of equal desktops, named `<name>-0`, `<name>-1` and so on, each for one named user."""

    name: Annotated[EntryName, Field(description="Name within the request.")]
    count: Annotated[int, Field(ge=1, le=MOST_DESKTOPS, description="How many desktops.")]
    flavor: Annotated[CatalogueName, Field(description="Desktop size; see the zone's flavors.")]
    image: Annotated[CatalogueName, Field(description="Desktop image; see the zone's images.")]
    network: Annotated[EntryName, Field(description="Name of an entry in `networks`.")]
    users: Annotated[
        tuple[UserName, ...],
        Field(
            max_length=MOST_DESKTOPS,
            description="Who they are for. A user keeps the desktop; fewer users than desktops leave spares.",
            json_schema_extra=list_set(),
        ),
    ] = ()
    batch_size: Annotated[
        int, Field(ge=1, le=MOST_DESKTOPS, description="How many are built at a time; the next batch follows when up.")
    ] = 10
    failure_budget: Annotated[
        int, Field(ge=0, le=MOST_DESKTOPS, description="How many may fail before the roll-out stops.")
    ] = 0
    resets: Annotated[
        tuple[ResetSpec, ...],
        Field(
            max_length=MOST_DESKTOPS,
            description="Desktops to be clean again; see `kubectl kunlun desktop reset`.",
            json_schema_extra=list_map("number"),
        ),
    ] = ()


class DesktopState(StrEnum):
    """Where a desktop is."""

    WAITING = "Waiting"
    BUILDING = "Building"
    RUNNING = "Running"
    STOPPED = "Stopped"
    FAILED = "Failed"


class DesktopStatus(WireModel):
    """One desktop of the plan in force."""

    name: Annotated[str, Field(max_length=63, description="`<name of the entry>-<number>`.")]
    user: Annotated[UserName, Field(description="Whose it is; absent: a spare.")] | None = None
    state: Annotated[DesktopState, Field(description="Waiting (for its batch), Building, Running, Stopped or Failed.")]
    id: Annotated[Identifier, Field(description="Id of its server in OpenStack.")] | None = None
    address: Annotated[str, Field(max_length=45, description="Its address; only the broker reaches it.")]
