"""The end of a tenant: whatever was made for it goes, also what no status names."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

import controllers.tenant.reconcile as tenants
from controllers.api import FINALIZER
from controllers.api.stored import TENANTS
from infra.cloud import Answer
from tests.build import a_tenant
from tests.unit.world import World

OURS, OTHERS = ["kunlun", "kunlun-tenant:fresh"], ["kunlun", "kunlun-tenant:another"]


class OneProject:
    """A cloud with one project, and nothing in it."""

    def __init__(self, tags: list[str]) -> None:
        self.project = {"id": "project-9", "name": "fresh-extranet", "tags": tags}
        self.deleted: list[str] = []

    def admin(self) -> OneProject:
        return self

    async def list(self, _: str, path: str, query: dict[str, Any]) -> list[Answer]:
        return [self.project] if path == "/projects" and query["name"] == self.project["name"] else []

    async def has(self, _: str) -> bool:
        return False

    async def delete(self, _: str, path: str) -> None:
        self.deleted.append(path)


@pytest.mark.parametrize(
    ("tags", "deleted"), [(OURS, ["/projects/project-9"]), (OTHERS, [])], ids=["ours", "somebody else's"]
)
async def test_a_project_that_was_half_made_goes_with_its_tenant(tags: list[str], deleted: list[str]) -> None:
    """Its name is known before the status has it; one of that name that is not this tenant's stops nobody."""
    world, cloud = World(), OneProject(tags)
    leaving = {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": [FINALIZER]}
    world.keep(TENANTS, "fresh", a_tenant(namespace="fresh"), namespace="", **leaving)
    tenant = world.cache.get(TENANTS, "", "fresh")
    assert tenant is not None

    assert await tenants.reconcile(tenant, replace(world.parts, clouds=cast(Any, cloud))) is None
    assert (deleted, [[]]) == (cloud.deleted, world.cluster.finalizers)
