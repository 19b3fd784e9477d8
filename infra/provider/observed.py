"""What exists of one request, as values; and the difference from what was planned. Nothing here calls anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from infra.cloud import Answer
from infra.planned import PlannedObject
from infra.provider.resource import Inputs
from infra.stackplan import Kind

Identity = tuple[Kind, str, str]
"""Kind, logical name, fingerprint: what a plan and a marker have in common."""


@dataclass(frozen=True, slots=True)
class ObservedObject:
    """One object of ours. `inputs` are in the logical form of the plan: equality means no drift.

    `twin` marks a spare object with the same marker as another that is in use or older. `raw` is what OpenStack showed.
    """

    kind: Kind
    id: str
    name: str
    fingerprint: str
    inputs: Inputs
    created_at: str = ""
    status: str = ""
    fault: str | None = None
    address: str | None = None
    twin: bool = False
    raw: Answer = field(default_factory=dict, compare=False, repr=False)

    @property
    def identity(self) -> Identity:
        return self.kind, self.name, self.fingerprint


@dataclass(frozen=True)
class Observed:
    """Everything that carries the request's uid, and what hangs between such objects.

    `leaving` names objects that OpenStack is still deleting: they are not there any more, and not gone either.
    `routers` are other requests' routers, by uid; those of the `barred` requests are not to be touched now.
    """

    uid: str
    objects: tuple[ObservedObject, ...] = ()
    leaving: tuple[str, ...] = ()
    routers: Mapping[str, str] = field(default_factory=dict)
    barred: frozenset[str] = frozenset()

    @cached_property
    def by_identity(self) -> Mapping[Identity, ObservedObject]:
        """Twins left out: of several the one in use counts, else the oldest."""
        return {found.identity: found for found in self.objects if not found.twin}

    @cached_property
    def by_id(self) -> Mapping[str, ObservedObject]:
        return {found.id: found for found in self.objects}

    @property
    def twins(self) -> tuple[ObservedObject, ...]:
        return tuple(found for found in self.objects if found.twin)

    def reaches(self, planned: PlannedObject) -> bool:
        """Whether it can be made now, or is there: what needs another request's router waits for that."""
        peer = planned.peer
        if peer is None or (peer in self.routers and peer not in self.barred):
            return True
        return identity_of(planned) in self.by_identity

    def without(self, gone: Iterable[ObservedObject]) -> Observed:
        """The same without objects that were deleted since."""
        ids = {found.id for found in gone}
        return replace(self, objects=tuple(found for found in self.objects if found.id not in ids))


class Deviation(StrEnum):
    """How the cloud differs from the plan."""

    MISSING = "Missing"
    CHANGED = "Changed"
    FAULTY = "Faulty"
    UNEXPECTED = "Unexpected"
    TWIN = "Twin"


@dataclass(frozen=True, slots=True)
class Difference:
    """One deviation; `fields` are the inputs that differ when the object is there but changed.

    `wanted` and `found` are their values as planned and as they are: for people, not for deciding.
    """

    deviation: Deviation
    kind: Kind
    name: str
    id: str | None = None
    fields: tuple[str, ...] = ()
    fingerprint: str = ""
    fault: str | None = None
    wanted: Inputs = field(default_factory=dict, compare=False)
    found: Inputs = field(default_factory=dict, compare=False)


def differences(planned: Mapping[str, PlannedObject], observed: Observed) -> list[Difference]:
    """Everything that differs. UNEXPECTED are objects of ours that the plan does not name (any more)."""
    wanted = {identity_of(one): one for one in planned.values()}
    return [*_lacking(wanted, observed), *_surplus(wanted, observed)]


def identity_of(planned: PlannedObject) -> Identity:
    """What the marker of this planned object says (or would say)."""
    return planned.kind, planned.name, planned.fingerprint


def differing_fields(planned: PlannedObject, found: ObservedObject) -> tuple[str, ...]:
    """The inputs that are not as planned; a kind shows as an input too what no plan ever allows."""
    keys = [*planned.inputs, *(key for key in found.inputs if key not in planned.inputs)]
    return tuple(key for key in keys if planned.inputs.get(key) != found.inputs.get(key))


def _lacking(wanted: Mapping[Identity, PlannedObject], observed: Observed) -> Iterator[Difference]:
    for identity, planned in wanted.items():
        found = observed.by_identity.get(identity)
        if found is None and not observed.reaches(planned):
            continue
        if found is None:
            yield Difference(Deviation.MISSING, planned.kind, planned.name)
        elif planned.kind is Kind.SERVER and found.status == "ERROR":
            yield Difference(Deviation.FAULTY, planned.kind, planned.name, found.id, fault=found.fault)
        elif fields := differing_fields(planned, found):
            yield _changed(planned, found, fields)


def _surplus(wanted: Mapping[Identity, PlannedObject], observed: Observed) -> Iterator[Difference]:
    for found in observed.objects:
        if found.twin:
            yield Difference(Deviation.TWIN, found.kind, found.name, found.id, fingerprint=found.fingerprint)
        elif found.identity not in wanted:
            yield Difference(Deviation.UNEXPECTED, found.kind, found.name, found.id, fingerprint=found.fingerprint)


def _changed(planned: PlannedObject, found: ObservedObject, fields: tuple[str, ...]) -> Difference:
    return Difference(
        Deviation.CHANGED,
        planned.kind,
        planned.name,
        found.id,
        fields,
        found.fingerprint,
        wanted={key: planned.inputs.get(key) for key in fields},
        found={key: found.inputs.get(key) for key in fields},
    )
