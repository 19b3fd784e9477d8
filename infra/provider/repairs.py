"""What cannot be put right in place: which existing objects would have to go, each by its id, and why.

Pure. The operator drafts a repair plan from it; the engine asks again at the moment of acting, so that an object
that somebody has put back meanwhile stays, although its removal was approved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from infra.planned import PlannedObject, changed_for_life, fixed_for_life, planned_objects
from infra.provider.observed import Observed, ObservedObject, differing_fields, identity_of
from infra.stackplan import DATA_VOLUME_PREFIX, Kind, Removal, StackPlan


@dataclass(frozen=True, slots=True)
class Repair:
    """One object that has to go; `replaced` when the plan then makes it anew."""

    removal: Removal
    reason: str
    replaced: bool


def repairs_of(plan: StackPlan, observed: Observed) -> tuple[Repair, ...]:
    """Replaced: what differs in something fixed for life, and what refers to such an object for life. Removed: what
    carries our marker and is not in the plan, or is there twice. Data volumes are never among them, nor is what
    carries a marker that Kunlun does not write: no plan can name it.
    """
    planned = planned_objects(plan)
    reasons = _reasons_to_replace(planned, observed)
    known = {identity_of(one) for one in planned.values()}
    signed = {(one.kind, one.name, one.fingerprint) for one in plan.removals if one.id is None}
    repairs = []
    for found in observed.objects:
        if found.name.startswith(DATA_VOLUME_PREFIX) or (removal := _removal(found)) is None:
            continue
        if found.twin:
            repairs.append(Repair(removal, "is there twice, and this one is not in use", replaced=False))
        elif found.identity in known and found.name in reasons:
            repairs.append(Repair(removal, reasons[found.name], replaced=True))
        elif found.identity not in known | signed:
            repairs.append(Repair(removal, "carries the mark of this request and is in no plan", replaced=False))
    return tuple(sorted(repairs, key=_place))


def beyond_repair(planned: PlannedObject, found: ObservedObject) -> tuple[str, ...]:
    """The inputs that differ and cannot be put right on the living object."""
    return changed_for_life(planned.kind, differing_fields(planned, found), found.inputs)


def _place(repair: Repair) -> tuple[bool, str, str, str]:
    """An order that does not depend on OpenStack's: the same drift has to make the same plan."""
    gone = repair.removal
    return not repair.replaced, gone.kind.value, gone.name, gone.id or ""


def _reasons_to_replace(planned: Mapping[str, PlannedObject], observed: Observed) -> Mapping[str, str]:
    """By logical name. What refers comes after what it refers to, so one way through the plan is enough."""
    reasons: dict[str, str] = {}
    for name, one in planned.items():
        found = observed.by_identity.get(identity_of(one))
        if found and not _has_its_own_way(found) and (fields := beyond_repair(one, found)):
            reasons[name] = f"was changed by hand in {', '.join(fields)}"
        elif followed := [target for target in _targets(one) if target in reasons]:
            reasons[name] = f"follows {', '.join(followed)}"
    return reasons


def _has_its_own_way(found: ObservedObject) -> bool:
    """Data is never replaced; a server Nova gave up on is, but for that reason and without a plan of its own."""
    return found.name.startswith(DATA_VOLUME_PREFIX) or (found.kind is Kind.SERVER and found.status == "ERROR")


def _targets(one: PlannedObject) -> Iterator[str]:
    """Logical names of what an object refers to for life, or hangs on. A public address hangs on nothing: whoever has
    it keeps it, and it is led to its port again.
    """
    if one.kind is not Kind.FLOATING_IP:
        yield from one.after
    for key in fixed_for_life(one.kind):
        value = one.inputs.get(key)
        if isinstance(value, str) and value.startswith("@"):
            yield value[1:]


def _removal(found: ObservedObject) -> Removal | None:
    """None when name or fingerprint are not of the form that plans and markers have: somebody wrote it by hand."""
    try:
        return Removal(kind=found.kind, name=found.name, fingerprint=found.fingerprint, id=found.id)
    except ValidationError:
        return None
