"""A zone says what keeps the operator from looking it up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from controllers.api.stored import ZONES, Zone
from controllers.zone.reconcile import reconcile
from infra.errors import CloudUnavailable
from tests.build import a_zone, resolved
from tests.unit.world import World

READY = {"type": "Ready", "status": "True", "reason": "Ready", "lastTransitionTime": "2026-01-01T00:00:00Z"}


class SilentClouds:
    """Nothing answers."""

    def admin(self) -> SilentClouds:
        return self

    async def list(self, *_: Any) -> list[Any]:
        raise CloudUnavailable("OpenStack does not answer to GET images")

    async def has(self, *_: Any) -> bool:
        return False


async def statuses_after(*, seen_generation: int | None) -> list[dict[str, Any]]:
    """What a failing look writes when an earlier one succeeded for a generation (of which the present one is 1)."""
    world = World()
    known = resolved(a_zone()).model_copy(update={"observed_generation": seen_generation})
    status = known.model_dump(by_alias=True, exclude_none=True, mode="json")
    if seen_generation is not None:
        status["conditions"] = [{**READY, "observedGeneration": seen_generation}]
    world.keep(ZONES, "extranet", a_zone(), status=type(known).model_validate(status), namespace="")
    zone = cast(Zone, world.cache.get(ZONES, "", "extranet"))
    with pytest.raises(CloudUnavailable):
        await reconcile(zone, replace(world.parts, clouds=cast(Any, SilentClouds())))
    return world.cluster.statuses


@pytest.mark.parametrize("seen_generation", [None, 0])
async def test_a_zone_that_cannot_be_looked_up_says_why(seen_generation: int | None) -> None:
    """Nobody has to read the operator's log; what was found for an earlier spec stays."""
    (status,) = await statuses_after(seen_generation=seen_generation)
    (ready,) = status["conditions"]

    assert ("False", "CloudUnavailable") == (ready["status"], ready["reason"])
    assert (1, "uplink-1") == (status["observedGeneration"], status["uplinkId"])


async def test_a_zone_that_was_looked_up_stays_ready() -> None:
    """Not having seen it is no reason to doubt it."""
    assert [] == await statuses_after(seen_generation=1)
