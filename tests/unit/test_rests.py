"""Failed work on zones, tenants and plans: said, and not repeated by its own status write."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

import controllers.tenant.reconcile as tenants
import controllers.zone.reconcile as zones
from controllers.api import FINALIZER
from controllers.api.stored import REQUESTS, TENANTS, ZONES
from controllers.rotation import woken_by_credential
from infra.errors import CloudUnavailable, CredentialsRejected
from tests.build import NAMESPACE, a_flow, a_spec, a_tenant, a_zone, resolved
from tests.unit.world import World


class FailingCloud:
    """Every call fails, each time in other words, as with request ids in them."""

    def __init__(self, kind: type[Exception]) -> None:
        self.kind, self.calls = kind, 0
        self.well = False

    def admin(self) -> FailingCloud:
        return self

    async def list(self, *_: Any) -> list[Any]:
        self.calls += 1
        if self.well:
            return []
        raise self.kind(f"req-{self.calls}")

    async def has(self, *_: Any) -> bool:
        return False


def with_cloud(world: World, cloud: FailingCloud) -> Any:
    world.surveys.pools = cast(Any, cloud)
    return replace(world.parts, clouds=cast(Any, cloud))


async def a_failed_draft(kind: type[Exception] = CloudUnavailable) -> tuple[World, FailingCloud]:
    """A request for which the cloud had to be looked at, in vain."""
    world, cloud = World(), FailingCloud(kind)
    world.parts = with_cloud(world, cloud)
    world.ask()
    await world.turn()
    cloud.well = True
    return world, cloud


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


async def test_a_tenant_that_cannot_go_yet_rests_too() -> None:
    """Its deletion is not repeated by its own status writes."""
    world, cloud = World(), FailingCloud(CredentialsRejected)
    leaving = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": [FINALIZER]}
    status = {"projects": [{"zone": "extranet", "id": "project-2", "name": "fresh-extranet"}]}
    world.keep(TENANTS, "fresh", a_tenant(namespace="fresh"), status=status, namespace="", **leaving)
    parts = with_cloud(world, cloud)
    tenant = world.cache.get(TENANTS, "", "fresh")
    assert tenant is not None
    rests = [await tenants.reconcile(tenant, parts) for _ in range(3)]

    assert ([tenants.RETRY_SECONDS] * 3, 1) == (rests, cloud.calls)
    world.clock += tenants.RETRY_SECONDS
    await tenants.reconcile(tenant, parts)
    assert 2 == cloud.calls


async def test_a_draft_that_failed_rests_however_often_somebody_knocks() -> None:
    """With other words each time, its own status writes would make it fail without pause."""
    world, cloud = World(), FailingCloud(CloudUnavailable)
    world.parts = with_cloud(world, cloud)
    world.ask()
    pauses = [await world.turn() for _ in range(4)]

    assert 1 == cloud.calls
    assert [5.0] * 4 == pauses
    assert ("False", "CloudUnavailable") == world.standing("Planned")
    cloud.well = True
    world.clock += 5
    await world.turn()
    assert ("True", "Planned") == world.standing("Planned")


async def test_a_failure_of_what_is_in_force_does_not_end_the_rest_of_a_draft() -> None:
    """Both fail while the cloud is away; neither may wake the other."""
    world, cloud = World(), FailingCloud(CloudUnavailable)
    world.ask()
    await world.turn()
    world.approve()
    world.engine.failure = CloudUnavailable("req-0")
    await world.turn()
    world.parts = with_cloud(world, cloud)
    world.ask(a_spec(flows=[a_flow(ports=["tcp/8443"])]), generation=2)
    world.clock += 5
    for _ in range(4):
        await world.turn()

    assert (1, 2) == (cloud.calls, len(world.engine.passes))


async def test_a_changed_spec_is_drafted_at_once() -> None:
    """The rest was of the version that failed."""
    world, _ = await a_failed_draft()
    world.ask(generation=2)
    await world.turn()

    assert ("True", "Planned") == world.standing("Planned")


async def test_a_zone_and_a_project_made_anew_are_drafted_on_at_once() -> None:
    """What failed was about another pool, or another project."""
    for kind in (ZONES, TENANTS):
        world, _ = await a_failed_draft()
        if kind is ZONES:
            status = resolved(a_zone()).model_copy(update={"subnet_pool_id": "pool-2"})
            world.keep(ZONES, "extranet", a_zone(), status=status, namespace="")
        else:
            project = {"zone": "extranet", "id": "project-2", "name": "civil-affairs-extranet"}
            world.keep(TENANTS, "civil-affairs", a_tenant(), status={"projects": [project]}, namespace="")
        await world.turn()

        assert ("True", "Planned") == world.standing("Planned")


async def test_a_new_credential_is_drafted_with_at_once() -> None:
    """It wakes what was rejected."""
    world, _ = await a_failed_draft(CredentialsRejected)
    woken = list(woken_by_credential(world.cache, world.parts.memories))
    await world.turn()

    assert (REQUESTS.name, NAMESPACE, "permit-portal") in woken
    assert ("True", "Planned") == world.standing("Planned")
