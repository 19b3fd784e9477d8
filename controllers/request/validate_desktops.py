"""Form of the desktops of a request: one desktop a user, and no more than there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from controllers.api.findings import Finding
from controllers.api.resourcerequest import ResourceRequestSpec
from infra.stackplan import MOST_DESKTOPS


def desktop_findings(spec: ResourceRequestSpec) -> Iterator[Finding]:
    """Every inconsistency of the desktops in themselves, and with the request's servers and networks."""
    networks, servers = [one.name for one in spec.networks], {one.name for one in spec.servers}
    for index, entry in enumerate(spec.desktops):
        where = f"spec.desktops[{index}]"
        if entry.name in servers:
            yield Finding(f"{where}.name", f"the name '{entry.name}' is a server entry's; each may be used once")
        if entry.network not in networks:
            what = f"no network '{entry.network}' in this request; allowed: {', '.join(networks)}"
            yield Finding(f"{where}.network", what)
        if len(entry.users) > entry.count:
            what = f"{len(entry.users)} users for {entry.count} desktops; raise `count`, or name fewer"
            yield Finding(f"{where}.users", what)
        for reset in entry.resets:
            if reset.number >= entry.count:
                yield Finding(f"{where}.resets", f"there is no desktop '{entry.name}-{reset.number}'")
    yield from _users(spec)
    total = sum(entry.count for entry in spec.desktops)
    if total > MOST_DESKTOPS:
        yield Finding("spec.desktops", f"{total} desktops in one request; at most {MOST_DESKTOPS} are allowed")


def _users(spec: ResourceRequestSpec) -> Iterator[Finding]:
    times = Counter(user for entry in spec.desktops for user in entry.users)
    for user, number in times.items():
        if number > 1:
            yield Finding("spec.desktops", f"the user '{user}' is named {number} times; a user has one desktop")
    for index, entry in enumerate(spec.desktops):
        if any(user.startswith("system:") for user in entry.users):
            yield Finding(f"spec.desktops[{index}].users", "a desktop is for a named person, not for a 'system:' name")
