"""What a pass leaves behind: what exists of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.planned import planned_objects
from infra.provider.builder import Builder
from infra.provider.floating_ip import address_of
from infra.provider.observed import Observed, ObservedObject, identity_of
from infra.provider.resource import Made
from infra.stackplan import PUBLIC_PREFIX, StackPlan


@dataclass(frozen=True, slots=True)
class Built:
    """What exists of a plan: OpenStack ids by logical name; `twins` are surplus objects with the same marker.

    `addresses` are the public ones, which no plan knows, by logical name.
    """

    ids: Mapping[str, str]
    twins: tuple[ObservedObject, ...] = ()
    addresses: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, observed: Observed) -> Built:
        """When observing shows that nothing is left to do."""
        there = {found.name: found for found in observed.objects if not found.twin}
        return cls({name: found.id for name, found in there.items()}, observed.twins, _public(there))


def built_by(builder: Builder, plan: StackPlan) -> Built:
    """After the pass: what it found and what it made."""
    identities = {identity_of(one) for one in planned_objects(plan).values()}
    before = {identity[1]: found for identity, found in builder.observed.by_identity.items() if identity in identities}
    ids = {name: found.id for name, found in before.items()} | {name: made.id for name, made in builder.made.items()}
    return Built(ids, builder.observed.twins, _public({**before, **builder.made}))


def _public(there: Mapping[str, ObservedObject | Made]) -> dict[str, str]:
    found = {name: address_of(one.raw) for name, one in there.items() if name.startswith(PUBLIC_PREFIX)}
    return {name: address for name, address in found.items() if address is not None}
