"""What came of a run: every object of the project compared with the plan, and with nothing when it is to be gone."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from infra.cloud import Clouds
from infra.planned import planned_objects
from infra.provider.observe import ProjectListing, list_project, observed_from_listing
from infra.provider.observed import Deviation, Observed, differences
from infra.stackplan import StackPlan

LOST = {Deviation.MISSING, Deviation.CHANGED, Deviation.FAULTY}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Names of what is planned and not there (as planned), there twice, or there and not planned."""

    lost: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    left_over: tuple[str, ...] = ()

    @property
    def is_exact(self) -> bool:
        """Whether everything is as it should be."""
        return not (self.lost or self.doubled or self.left_over)

    def __add__(self, other: Verdict) -> Verdict:
        return Verdict(self.lost + other.lost, self.doubled + other.doubled, self.left_over + other.left_over)


def listed(clouds_yaml: Path, project: str) -> ProjectListing:
    """Every kind in the project, as OpenStack lists it now."""

    async def listing() -> ProjectListing:
        clouds = Clouds("kunlun", clouds_yaml)
        try:
            return await list_project(clouds.project(project))
        finally:
            clouds.close()

    return asyncio.run(listing())


def verdict_on(listing: ProjectListing, plans: Iterable[StackPlan]) -> Verdict:
    """What differs when exactly these plans are to be real, and nothing else in their project."""
    verdict, known = Verdict(), set[str]()
    for plan in plans:
        observed = observed_from_listing(listing, plan.origin.uid)
        known |= {found.id for found in observed.objects}
        verdict += _compared(plan, observed)
    return verdict + Verdict(left_over=tuple(_strangers(listing, known)))


def remains(states: Iterable[Path], uid: str) -> Verdict:
    """What the engine still has of a request that is gone, locks and folders of killed runs included."""
    found = [str(path) for state in states for path in [*state.rglob(f"*{uid}*"), *state.rglob("run-*")]]
    return Verdict(left_over=tuple(sorted(found)))


def _compared(plan: StackPlan, observed: Observed) -> Verdict:
    found = differences(planned_objects(plan), observed)
    names = Counter((one.kind, one.name) for one in observed.objects)
    doubled = [f"{kind} {name} x{count}" for (kind, name), count in names.items() if count > 1]
    lost = [f"{one.deviation} {one.kind} {one.name} {' '.join(one.fields)}" for one in found if one.deviation in LOST]
    surplus = [one for one in found if one.deviation is Deviation.UNEXPECTED and names[one.kind, one.name] == 1]
    return Verdict(tuple(lost), tuple(doubled), tuple(f"{one.kind} {one.name}" for one in surplus))


def _strangers(listing: ProjectListing, known: set[str]) -> Iterator[str]:
    """Objects of nobody: Neutron's default group and the ports it makes for itself are no strangers."""
    for kind, items in listing.collections.items():
        for item in items:
            by_neutron = str(item.get("device_owner", "")).startswith("network:") or item.get("name") == "default"
            if item["id"] not in known and not by_neutron:
                yield f"{kind} {item.get('name') or item['id']}"
