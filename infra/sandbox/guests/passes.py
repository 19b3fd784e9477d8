"""What one look at the cloud means for the guests that are here. Pure, and the same whatever was interrupted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from infra.sandbox.guests.facts import Guest, World


class Deed(StrEnum):
    """What is done to one guest, in the order in which it is done."""

    FORGET = "forget"  # the server is gone: nothing of it stays
    UNPLUG = "unplug"  # it is switched off: its disk stays
    RENAME = "rename"
    WIRE = "wire"  # namespace and ports, anew
    START = "start"  # root and processes, anew


@dataclass(frozen=True, slots=True)
class Present:
    """A guest as it is here. `guest` is what it was last made of; None when that was never finished."""

    guest: Guest | None
    wired: bool
    running: bool

    @property
    def plugged(self) -> bool:
        return self.wired or self.running or self.guest is not None


@dataclass(frozen=True, slots=True)
class Step:
    """One deed. `guest` is None where there shall be none."""

    deed: Deed
    server: str
    guest: Guest | None = None


ABSENT = Present(None, wired=False, running=False)


def steps(world: World, present: Mapping[str, Present]) -> list[Step]:
    """Everything to do, removals before additions: an address may have moved from one server to another."""
    found = [*_removals(world, present), *_additions(world, present)]
    order = list(Deed)
    return sorted(found, key=lambda step: order.index(step.deed))


def _removals(world: World, present: Mapping[str, Present]) -> Iterator[Step]:
    for server, here in present.items():
        if server not in world.servers:
            yield Step(Deed.FORGET, server)
        elif server not in world.guests and here.plugged:
            yield Step(Deed.UNPLUG, server)


def _additions(world: World, present: Mapping[str, Present]) -> Iterator[Step]:
    for server, guest in world.guests.items():
        here = present.get(server, ABSENT)
        known = here.guest
        if not here.wired or known is None or known.wires != guest.wires:
            yield Step(Deed.WIRE, server, guest)
        if not here.running or known is None or (known.launched, known.image) != (guest.launched, guest.image):
            yield Step(Deed.START, server, guest)
        elif known.name != guest.name:
            yield Step(Deed.RENAME, server, guest)
