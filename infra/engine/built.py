"""What a pass leaves behind: what exists of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from infra.planned import planned_objects
from infra.provider.builder import Builder
from infra.provider.observed import Observed, ObservedObject, identity_of
from infra.stackplan import StackPlan


@dataclass(frozen=True, slots=True)
class Built:
    """What exists of a plan: OpenStack ids by logical name; `twins` are surplus objects with the same marker."""

    ids: Mapping[str, str]
    twins: tuple[ObservedObject, ...] = ()

    @classmethod
    def of(cls, observed: Observed) -> Built:
        """When observing shows that nothing is left to do."""
        return cls({found.name: found.id for found in observed.objects if not found.twin}, observed.twins)


def built_by(builder: Builder, plan: StackPlan) -> Built:
    """After the pass: what it found and what it made."""
    identities = {identity_of(one) for one in planned_objects(plan).values()}
    before = {
        identity[1]: found.id for identity, found in builder.observed.by_identity.items() if identity in identities
    }
    return Built(before | {name: made.id for name, made in builder.made.items()}, builder.observed.twins)
