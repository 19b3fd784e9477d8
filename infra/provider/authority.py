"""What the signature permits. Every effect asks here first, whoever wants it: program, state, adoption or repair.

Creating and updating: exactly a planned object, to the last input. Deleting: an object of this request that the
plan removes, or any of them when the request itself is being deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.errors import NotApproved
from infra.provider.observed import Identity, ObservedObject
from infra.provider.resource import Inputs
from infra.stackplan import Kind, PlannedObject, StackPlan, planned_objects


@dataclass(frozen=True, slots=True)
class Authority:
    """Of one pass. `teardown` is the deletion of the request itself; `kept` names what stays even then."""

    uid: str
    planned: Mapping[str, PlannedObject] = field(default_factory=dict)
    removals: frozenset[Identity] = frozenset()
    teardown: bool = False
    kept: frozenset[str] = frozenset()

    def permit_making(self, kind: Kind, name: str, inputs: Inputs) -> PlannedObject:
        """The planned object, if it is exactly what is asked for. Raises NotApproved."""
        planned = self.planned.get(name)
        if planned is None or planned.kind is not kind:
            raise NotApproved(f"the approved plan contains no {kind} named {name}")
        keys = planned.inputs.keys() | inputs.keys()
        differing = sorted(key for key in keys if planned.inputs.get(key) != inputs.get(key))
        if differing:
            raise NotApproved(f"{kind} {name} differs from the approved plan in: {', '.join(differing)}")
        return planned

    def permit_deleting(self, found: ObservedObject | None, described: str) -> ObservedObject:
        """The observed object, if it may go. `found` None: the cloud shows no such object of this request."""
        if found is None:
            raise NotApproved(f"{described} is no object of this request")
        if self.keeps(found) or not (self.teardown or found.identity in self.removals):
            raise NotApproved(f"the approved plan does not remove {found.kind} {found.name}")
        return found

    def keeps(self, found: ObservedObject) -> bool:
        """Whether a teardown leaves it in the cloud."""
        return self.teardown and found.kind is Kind.VOLUME and found.name in self.kept


def authority_of(plan: StackPlan) -> Authority:
    """What approving this plan permits."""
    removals = frozenset((one.kind, one.name, one.fingerprint) for one in plan.removals)
    return Authority(plan.origin.uid, planned_objects(plan), removals)


def teardown_authority(uid: str, kept: frozenset[str]) -> Authority:
    """What deleting a request permits: everything that carries its uid, but the kept volumes."""
    return Authority(uid, teardown=True, kept=kept)
