"""What the signature permits. Every effect asks here first, whoever wants it: program, state, adoption or repair.

Creating and updating: exactly a planned object, to the last input. Deleting: an object of this request that the
plan removes (all of an identity, or the very one it names by id), or any when the request itself is being deleted.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from infra.errors import NotApproved
from infra.planned import PlannedObject, planned_objects
from infra.provider.observed import Identity, ObservedObject, identity_of
from infra.provider.resource import Inputs
from infra.stackplan import DATA_VOLUME_PREFIX, Kind, StackPlan


@dataclass(frozen=True, slots=True)
class Authority:
    """Of one pass. `teardown` is the deletion of the request itself; even then only `discarded` data volumes go."""

    uid: str
    planned: Mapping[str, PlannedObject] = field(default_factory=dict)
    removals: frozenset[Identity] = frozenset()
    named: frozenset[tuple[Identity, str]] = frozenset()
    teardown: bool = False
    discarded: frozenset[str] = frozenset()
    imported: frozenset[str] = frozenset()  # ids the plan names: each is the one it means, never a spare

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
        if not self.removes(found):
            raise NotApproved(f"the approved plan does not remove {found.kind} {found.name}")
        return found

    def removes(self, found: ObservedObject) -> bool:
        """Whether an object of this request may go."""
        removable = self.teardown or found.identity in self.removals or self.names(found) or self._is_spare(found)
        return removable and not self.keeps(found)

    def names(self, found: ObservedObject) -> bool:
        """Whether a repair removes this very object. Never a data volume, whatever a plan says."""
        return (found.identity, found.id) in self.named and not found.name.startswith(DATA_VOLUME_PREFIX)

    def keeps(self, found: ObservedObject) -> bool:
        """Whether a teardown leaves it in the cloud: data does not go because nobody remembers that it matters."""
        return self.teardown and found.name.startswith(DATA_VOLUME_PREFIX) and found.name not in self.discarded

    def _is_spare(self, found: ObservedObject) -> bool:
        """A second object of one approved once. Never a volume: a restored backup bears our marker, too."""
        planned = self.planned.get(found.name)
        is_second = found.twin and planned is not None and identity_of(planned) == found.identity
        return is_second and found.id not in self.imported and found.kind is not Kind.VOLUME


def authority_of(plan: StackPlan) -> Authority:
    """What approving this plan permits."""
    removals = frozenset((one.kind, one.name, one.fingerprint) for one in plan.removals if one.id is None)
    named = frozenset(((one.kind, one.name, one.fingerprint), one.id) for one in plan.removals if one.id is not None)
    imported = frozenset(entry.id for entry in plan.imports)
    return Authority(plan.origin.uid, planned_objects(plan), removals, named, imported=imported)


def command_authority(uid: str, objects: Collection[ObservedObject]) -> Authority:
    """What a person of the provider's operations commands: these leftovers go, data volumes among them, no other."""
    return Authority(uid, removals=frozenset(found.identity for found in objects))


def teardown_authority(uid: str, discarded: frozenset[str]) -> Authority:
    """What deleting a request permits: everything that carries its uid, but data volumes that nobody discarded."""
    return Authority(uid, teardown=True, discarded=discarded)
