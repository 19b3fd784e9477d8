"""What is kept of a run of a playbook: that it was, how long it took, and where it changed something."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from infra.wire import WireModel

MOST_CHANGES = 512
NAME_LENGTH = 80


class GuestChanges(WireModel):
    """What a run of the playbook did to one guest."""

    guest: Annotated[str, Field(max_length=NAME_LENGTH, description="The guest.")]
    changed: Annotated[int, Field(ge=0, description="How many tasks changed something there.")]


class Recap(WireModel):
    """How a run of the playbook went."""

    time: Annotated[str, Field(max_length=32, description="When it ended.", json_schema_extra={"format": "date-time"})]
    seconds: Annotated[int, Field(ge=0, description="How long it took.")]
    tasks: Annotated[int, Field(ge=0, description="How many tasks were run.")]
    changes: Annotated[
        tuple[GuestChanges, ...], Field(max_length=MOST_CHANGES, description="Guests on which something was changed.")
    ] = ()
