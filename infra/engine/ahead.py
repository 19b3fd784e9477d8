"""What lies ahead of a pass, decided from the plan and what is observed. Pure."""

from __future__ import annotations

from infra.planned import planned_objects
from infra.provider.authority import Authority, authority_of
from infra.provider.observed import Deviation, Observed, ObservedObject, differences, identity_of
from infra.provider.repairs import repairs_of
from infra.stackplan import Kind, StackPlan

_LEFT_IN_PLACE = {Kind.SECURITY_GROUP, Kind.SECURITY_GROUP_RULES, Kind.ADDRESS_GROUP}


def open_repairs(authority: Authority, plan: StackPlan, seen: Observed) -> list[ObservedObject]:
    """What the plan names by its id and still has to go."""
    if not authority.named:
        return []
    needed = {repair.removal.id for repair in repairs_of(plan, seen)}
    return [found for found in seen.objects if found.id in needed and authority.names(found)]


def is_short(authority: Authority, seen: Observed) -> bool:
    """Whether something is to be made. It may need the quota of what goes, which the engine would remove last."""
    return any(identity_of(one) not in seen.by_identity for one in authority.planned.values() if seen.reaches(one))


def removals(authority: Authority, seen: Observed) -> tuple[list[ObservedObject], list[ObservedObject]]:
    """What can go before all else, and what goes last: groups, which ports and rules leave during the pass."""
    gone = [found for found in seen.objects if found.identity in authority.removals and authority.removes(found)]
    return [one for one in gone if one.kind not in _LEFT_IN_PLACE], [one for one in gone if one.kind in _LEFT_IN_PLACE]


def steps_ahead(plan: StackPlan, seen: Observed) -> int:
    """How many objects a pass will make, change or delete, as far as can be seen before it."""
    planned, authority = planned_objects(plan), authority_of(plan)
    undone = [one for one in differences(planned, seen) if one.deviation in {Deviation.MISSING, Deviation.CHANGED}]
    repaired = open_repairs(authority, plan, seen)
    making = {one.name for one in undone} | {found.name for found in repaired if found.name in planned}
    return len(making) + len(repaired) + sum(found.identity in authority.removals for found in seen.objects)
