"""Whose desktop is which. Pure, and stable: a user keeps the desktop for as long as both are asked for.

A desktop that changes hands, or is asked to be clean, gets another term: another server, so nobody meets what the
user before left on it. A spare that nobody has had is given away as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from controllers.api.desktops import DesktopSpec
from controllers.api.resourcerequest import ResourceRequestSpec
from infra.stackplan import Seat, StackPlan

FRESH = Seat()


def assign_seats(request: ResourceRequestSpec, previous: StackPlan | None) -> dict[str, Seat]:
    """The seat of every desktop by the name of its server, `counter-3`."""
    before = {server.name: server.seat for server in previous.servers if server.seat} if previous else {}
    return {name: seat for entry in request.desktops for name, seat in _assigned(entry, before)}


def desktop_names(entry: DesktopSpec) -> list[str]:
    """`counter-0`, `counter-1` and so on."""
    return [f"{entry.name}-{number}" for number in range(entry.count)]


def _assigned(entry: DesktopSpec, before: Mapping[str, Seat]) -> Iterator[tuple[str, Seat]]:
    users, resets = _users(entry, before), {one.number: one.times for one in entry.resets}
    for number, name in enumerate(desktop_names(entry)):
        known, user, times = before.get(name), users.get(name), resets.get(number, 0)
        if known is None:  # a new desktop is clean
            yield name, Seat(user=user, resets=times)
            continue
        changes_hands = known.user is not None and known.user != user
        another = changes_hands or times > known.resets
        yield name, Seat(user=user, term=known.term + another, resets=times)


def _users(entry: DesktopSpec, before: Mapping[str, Seat]) -> dict[str, str]:
    """Users stay where they are; the others get what is free, clean ones first."""
    names = desktop_names(entry)
    kept = {name: seat.user for name in names if (seat := before.get(name)) and seat.user in entry.users}
    users = {name: user for name, user in kept.items() if user is not None}
    free = [name for name in names if name not in users]
    free.sort(key=lambda name: before.get(name, FRESH).user is not None)  # stable: the lowest number first
    seated = set(users.values())
    waiting = [user for user in entry.users if user not in seated]
    return users | dict(zip(free, waiting, strict=False))
