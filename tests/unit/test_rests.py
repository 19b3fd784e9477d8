"""Failed work on zones and tenants: said, and not repeated by its own status write."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

import controllers.tenant.reconcile as tenants
import controllers.zone.reconcile as zones
from controllers.api.stored import TENANTS, ZONES
from infra.errors import CredentialsRejected
from tests.build import a_tenant, a_zone
from tests.unit.world import World


class FailingCloud:
    """Every call fails, each time in other words, as with request ids in them."""

    def __init__(self, kind: type[Exception]) -> None:
        self.kind, self.calls = kind, 0

    def admin(self) -> FailingCloud:
        return self

    async def list(self, *_: Any) -> list[Any]:
        self.calls += 1
        raise self.kind(f"req-{self.calls}")

    async def has(self, *_: Any) -> bool:
        return False


def with_cloud(world: World, cloud: FailingCloud) -> Any:
    return replace(world.parts, clouds=cast(Any, cloud))


async def test_a_new_zone_says_why_its_catalogue_cannot_be_read() -> None:
    """Its own status write wakes it at once; it rests all the same."""
    world, cloud = World(), FailingCloud(CredentialsRejected)
    world.keep(ZONES, "fresh", a_zone(), namespace="")
    parts = with_cloud(world, cloud)
    zone = world.cache.get(ZONES, "", "fresh")
    assert zone is not None
    with pytest.raises(CredentialsRejected):
        await zones.reconcile(zone, parts)
    asked = cloud.calls
    rest = await zones.reconcile(zone, parts)

    (ready,) = (world.cache.body(ZONES, "", "fresh") or {})["status"]["conditions"]
    assert ("False", "CredentialsRejected") == (ready["status"], ready["reason"])
    assert (zones.AFTER_FAILURE_SECONDS, asked) == (rest, cloud.calls)


async def test_a_tenant_that_failed_rests_and_names_the_reason() -> None:
    """With other words each time, its own status writes would make it fail without pause."""
    world, cloud = World(), FailingCloud(CredentialsRejected)
    world.keep(TENANTS, "fresh", a_tenant(namespace="fresh"), namespace="")
    parts = with_cloud(world, cloud)
    tenant = world.cache.get(TENANTS, "", "fresh")
    assert tenant is not None
    await tenants.reconcile(tenant, parts)
    asked = cloud.calls
    rest = await tenants.reconcile(tenant, parts)

    (ready,) = (world.cache.body(TENANTS, "", "fresh") or {})["status"]["conditions"]
    assert ("False", "CredentialsRejected") == (ready["status"], ready["reason"])
    assert (tenants.RETRY_SECONDS, asked) == (rest, cloud.calls)
