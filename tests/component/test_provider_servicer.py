"""What the engine may ask of the provider, and what it is refused."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf import struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import provider_pb2

from infra.errors import NotApproved
from infra.planned import planned_objects
from infra.provider.authority import authority_of
from infra.provider.builder import Builder, Steps
from infra.provider.observed import Observed
from infra.provider.servicer import Provider
from infra.stackplan import StackPlan, marker
from tests.component.fake_cloud import FakeCloud
from tests.component.plans import UID, a_plan, unheard

NETWORK = "openstack:networking/network:Network"
INSTANCE = "openstack:compute/instance:Instance"


class Aborted(Exception):
    """What `abort` raises in place of gRPC."""


class Context:
    """The part of a gRPC context the provider uses."""

    async def abort(self, code: grpc.StatusCode, message: str) -> None:
        raise Aborted(message)


def a_provider(cloud: FakeCloud, plan: StackPlan) -> Provider:
    return Provider(Builder(cloud, authority_of(plan), Observed(UID), Steps(0, unheard)))


def a_struct(properties: dict[str, Any]) -> Any:
    struct = struct_pb2.Struct()
    struct.update(properties)
    return struct


def urn(pulumi_type: str, name: str) -> str:
    return f"urn:pulumi:{UID}::kunlun::kunlun:index:TenantNetwork${pulumi_type}::{name}"


def a_network_asked_for(name: str = "network-app", **fields: Any) -> Any:
    text = marker(UID, "network-app", planned_objects(a_plan())["network-app"].fingerprint)
    properties = {"name": "portal-app", "description": text, **fields}
    return provider_pb2.CreateRequest(urn=urn(NETWORK, name), properties=a_struct(properties))


async def test_exactly_the_planned_object_is_created() -> None:
    """The answer carries the id; the properties go back as they came."""
    cloud = FakeCloud()
    answer = await a_provider(cloud, a_plan()).Create(a_network_asked_for(), Context())

    assert ("network-1", "portal-app") == (answer.id, answer.properties["name"])
    assert ["POST networks"] == cloud.log


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        pytest.param(a_network_asked_for("network-more"), "contains no Network named", id="one object more"),
        pytest.param(a_network_asked_for(shared=True), "differs .* in: shared", id="an input nobody planned"),
        pytest.param(a_network_asked_for(description="kunlun.cloud/x/y/z"), "foreign marker", id="another's marker"),
        pytest.param(
            provider_pb2.CreateRequest(urn=urn("openstack:identity/user:User", "root"), properties=a_struct({})),
            "no plan contains objects of type",
            id="a kind no plan knows",
        ),
    ],
)
async def test_anything_else_is_refused_before_the_cloud_is_asked(request_: Any, why: str) -> None:
    """Not in the plan, not exactly as in the plan: NotApproved, and no call."""
    cloud = FakeCloud()
    provider = a_provider(cloud, a_plan())

    with pytest.raises(Aborted, match=why):
        await provider.Create(request_, Context())
    assert isinstance(provider.failure, NotApproved)
    assert [] == cloud.log + cloud.reads


async def test_a_changed_input_is_refused() -> None:
    """Same object, other name."""
    cloud = FakeCloud()
    provider = a_provider(cloud, a_plan())
    asked = a_network_asked_for()
    asked.properties.update({"name": "other"})

    with pytest.raises(Aborted, match="differs from the approved plan in: name"):
        await provider.Create(asked, Context())
    assert [] == cloud.log


async def test_another_stack_is_refused() -> None:
    """Any local process can dial a provider's port."""
    asked = a_network_asked_for()
    asked.urn = asked.urn.replace(UID, "another")

    with pytest.raises(Aborted, match="another stack"):
        await a_provider(FakeCloud(), a_plan()).Create(asked, Context())


async def test_updating_what_was_not_observed_is_refused() -> None:
    """A state that names a foreign object cannot make us write to it."""
    cloud = FakeCloud()
    asked = a_network_asked_for()
    request = provider_pb2.UpdateRequest(urn=asked.urn, id="somebody-elses", news=asked.properties)

    with pytest.raises(Aborted, match="no object of this request"):
        await a_provider(cloud, a_plan()).Update(request, Context())
    assert [] == cloud.log


async def test_deleting_what_was_not_observed_is_refused() -> None:
    """A forged or foreign state cannot make us delete."""
    cloud = FakeCloud()
    request = provider_pb2.DeleteRequest(urn=urn(INSTANCE, "server-web-0"), id="somebody-elses")

    with pytest.raises(Aborted, match="no object of this request"):
        await a_provider(cloud, a_plan()).Delete(request, Context())
    assert [] == cloud.log


@pytest.mark.parametrize(
    ("old", "new", "replaces"),
    [
        pytest.param({"name": "a"}, {"name": "a"}, None, id="nothing changed"),
        pytest.param({"flavorId": "a"}, {"flavorId": "b"}, [], id="a flavor changes in place"),
        pytest.param({"imageId": "a"}, {"imageId": "b"}, ["imageId"], id="another image is another server"),
        pytest.param({"metadata": {"k": "1"}}, {"metadata": {"k": "2"}}, ["metadata"], id="so is another marker"),
        pytest.param(
            {"networks": [{"port": "p"}]},
            {"networks": [{"port": "04da6b54-80e4-46f7-96ec-b56ff0331ba9"}]},
            ["networks"],
            id="an id not known yet differs from every id",
        ),
    ],
)
async def test_a_difference_is_an_update_or_a_replacement(old: Any, new: Any, replaces: list[str] | None) -> None:
    """Decided from the inputs alone; a replacement always deletes first."""
    request = provider_pb2.DiffRequest(urn=urn(INSTANCE, "server-web-0"), old_inputs=a_struct(old), news=a_struct(new))
    answer = await a_provider(FakeCloud(), a_plan()).Diff(request, Context())

    assert (replaces is not None) == (answer.changes == provider_pb2.DiffResponse.DIFF_SOME)
    assert (replaces or []) == list(answer.replaces)
    assert answer.deleteBeforeReplace


async def test_a_preview_has_no_effect() -> None:
    """The engine calls Create in previews, too."""
    cloud = FakeCloud()
    asked = a_network_asked_for()
    asked.preview = True
    await a_provider(cloud, a_plan()).Create(asked, Context())

    assert [] == cloud.log
