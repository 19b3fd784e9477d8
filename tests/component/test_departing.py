"""Deleting many objects at once: nothing while something needs it, and nothing later than it has to be."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from infra.cloud import Answer, Service
from infra.errors import CloudRefused, EngineInterrupted
from infra.provider.authority import teardown_authority
from infra.provider.builder import Builder, Steps
from infra.provider.departing import delete_together
from infra.provider.kinds import GONE_BEFORE
from infra.provider.observe import observe
from infra.provider.waiting import Patience
from infra.stackplan import Kind
from tests.component.fake_cloud import FakeCloud
from tests.component.plans import UID, a_plan, a_rich_plan, unheard
from tests.component.test_provider_builder import build


class LingeringServers(FakeCloud):
    """Its servers are on their way out until the router has lost its leg."""

    lingering: list[str]

    async def delete(self, service: Service, path: str) -> bool:
        if not path.startswith("servers/"):
            return await super().delete(service, path)
        self.lingering.append(path.removeprefix("servers/"))
        return True

    async def put(self, service: Service, path: str, body: Mapping[str, Any]) -> Answer:
        answer = await super().put(service, path, body)
        if path.endswith("remove_router_interface"):
            for server in self.lingering:
                self.forget("servers", server)
        return answer


async def a_teardown(cloud: FakeCloud, patience: Patience | None = None) -> Builder:
    discarded = frozenset(found.name for found in (await observe(cloud, UID)).objects)
    authority = teardown_authority(UID, discarded)
    return Builder(cloud, authority, await observe(cloud, UID), Steps(0, unheard), patience or Patience())


def test_of_every_kind_it_is_said_what_has_to_be_gone_before() -> None:
    """A kind that is forgotten would not be deleted at all."""
    assert set(Kind) == set(GONE_BEFORE)


async def test_everything_goes_whatever_it_is() -> None:
    """The cloud refuses to delete what is in use, so a wrong order would fail."""
    cloud = FakeCloud()
    await build(cloud, a_rich_plan())
    builder = await a_teardown(cloud)
    await delete_together(builder, builder.observed.objects)

    assert {} == cloud.count()


async def test_the_routers_leg_goes_while_servers_are_still_on_their_way_out() -> None:
    """Both take long, and neither needs the other."""
    cloud = LingeringServers()
    cloud.lingering = []
    await build(cloud, a_plan())
    builder = await a_teardown(cloud, Patience(deadline_seconds=5.0))
    await delete_together(builder, builder.observed.objects)

    assert {} == cloud.count()


async def test_what_waits_for_what_failed_is_not_begun() -> None:
    """Its neighbours and whatever else does not wait for it go all the same."""
    cloud = FakeCloud()
    await build(cloud, a_plan())
    cloud.log.clear()
    builder = await a_teardown(cloud)
    refused = next(found.id for found in builder.observed.objects if found.name == "port-web-0")

    def refuse(line: str) -> None:
        if line == f"DELETE ports/{refused}":
            raise CloudRefused("OpenStack refused DELETE ports: it does not like it")

    cloud.before = refuse
    with pytest.raises(CloudRefused, match="does not like it"):
        await delete_together(builder, builder.observed.objects)

    assert {"networks": 1, "subnets": 1, "security-groups": 1, "ports": 1} == cloud.count()
    assert 0 == sum(line.startswith(("DELETE subnets", "DELETE networks")) for line in cloud.log)


async def test_a_stopped_pass_deletes_nothing_new() -> None:
    """A request that is given up meanwhile is not removed to its end."""
    cloud = FakeCloud()
    await build(cloud, a_plan())
    before = cloud.count()
    builder = await a_teardown(cloud)
    builder.patience.stopped.set()
    with pytest.raises(EngineInterrupted):
        await delete_together(builder, builder.observed.objects)

    assert before == cloud.count()


async def test_what_is_asked_for_twice_is_deleted_once() -> None:
    """By the engine and beside it: the later one waits for the first."""
    cloud = FakeCloud()
    await build(cloud, a_plan())
    builder = await a_teardown(cloud)
    server = next(found for found in builder.observed.objects if found.name == "server-web-0")
    await asyncio.gather(*(builder.delete(server.kind, server.id, server.name) for _ in range(2)))

    assert 1 == cloud.log.count(f"DELETE servers/{server.id}")
