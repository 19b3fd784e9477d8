"""Rules that keep tests away from production, and let nothing of a test stay behind.

What a zone takes, and how long a test may live in it, is data of the zone.
"""

from __future__ import annotations

from collections.abc import Iterator

from controllers.api.fields import lifetime_seconds
from controllers.api.findings import Finding
from policies.rules import Circumstances


def the_zone_takes_the_environment(case: Circumstances) -> Iterator[Finding]:
    """A request lives only in a zone that takes what it is: a test does not touch a zone of production."""
    asked = case.request.environment
    if case.zone is None or asked in case.zone.environments:
        return
    taking = sorted(name for name, zone in case.zones.items() if asked in zone.environments)
    what = f"zone '{case.request.zone}' takes no requests of environment {asked}"
    yield Finding("spec.environment", f"{what}; zones that do: {', '.join(taking) or 'none'}")


def flows_stay_within_their_environment(case: Circumstances) -> Iterator[Finding]:
    """A test and a production request have no flow between them, whichever of the two asks for it."""
    own = case.request.environment
    for index, flow in enumerate(case.request.flows):
        name = flow.from_.request
        other = case.environments.get(name) if name is not None else None
        if other is not None and other is not own:
            what = (
                f"request '{name}' is of environment {other}, this one of {own}; flows between the two are not allowed"
            )
            yield Finding(f"spec.flows[{index}].from.request", what)


def lifetimes_stay_within_the_zones_bound(case: Circumstances) -> Iterator[Finding]:
    """However often it is extended, a test lives no longer than its zone lets it."""
    asked = case.request.time_to_live
    if case.zone is None or asked is None:
        return
    bound = case.zone.longest_time_to_live
    if lifetime_seconds(asked) > lifetime_seconds(bound):
        yield Finding("spec.timeToLive", f"may be at most {bound} in zone '{case.request.zone}', not {asked}")


def nothing_outlives_a_test_environment(case: Circumstances) -> Iterator[Finding]:
    """What has a time to live leaves nothing: no volume, nothing released, and nothing that was there before it."""
    request = case.request
    if request.time_to_live is None:
        return
    if request.deletion_policy == "Release":
        yield Finding("spec.deletionPolicy", "must be Delete with a `timeToLive`: nothing may stay after it")
    if request.imports:
        yield Finding("spec.imports", "with a `timeToLive` nothing is taken over: it would be deleted at the end of it")
    for index, server in enumerate(request.servers):
        for position, volume in enumerate(server.volumes):
            if volume.on_delete != "Delete":
                where = f"spec.servers[{index}].volumes[{position}].onDelete"
                yield Finding(where, "must be Delete with a `timeToLive`: nothing may stay after it")
