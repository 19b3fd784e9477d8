"""The engine's questions, answered: Pulumi's `ResourceProvider` protocol for one pass over one request.

`Check` and `Diff` never touch the cloud. `Create`, `Update` and `Delete` go through the builder, which asks the
authority. The engine prints its own words about a failure; what counts is `failure`, the first error raised here.
Protocol: pulumi/proto/pulumi/provider.proto of the pinned release.
"""

# ruff: noqa: N802 - the protocol names the methods

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc
import structlog
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from infra.errors import EngineFailed, EngineInterrupted, KunlunError, NotApproved
from infra.planned import PlannedObject
from infra.provider.builder import Builder
from infra.provider.kinds import BY_PULUMI_TYPE
from infra.provider.resource import Given, Inputs, Names, Resource
from infra.provider.values import plain, properties_from_struct
from infra.stackplan import marker

T = TypeVar("T")
Context = Any  # grpc.aio.ServicerContext: grpcio ships no types
_log = structlog.get_logger(__name__)


def logical_inputs(resource: Resource, properties: dict[str, Any], names: Names) -> tuple[Inputs, str | None]:
    """What the engine's properties say in the plan's language, and the marker in them.

    A property no kind understands stays visible under its own name, so that it differs from every plan.
    """
    given = Given(plain(properties))
    text = resource.marker_of(given)
    inputs = resource.declared(given, names)
    return inputs | dict.fromkeys(given.left(), "unexpected"), text


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """One per pass: cancelling, names and the guard against deleting what was just made need no key."""

    def __init__(self, builder: Builder) -> None:
        self.failure: KunlunError | None = None
        self._builder = builder

    async def Handshake(self, request: Any, context: Context) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    async def Attach(self, request: Any, context: Context) -> Any:
        return empty_pb2.Empty()

    async def GetPluginInfo(self, request: Any, context: Context) -> Any:
        return plugin_pb2.PluginInfo(version="1.0.0")

    async def CheckConfig(self, request: Any, context: Context) -> Any:
        return provider_pb2.CheckResponse(inputs=request.news)

    async def DiffConfig(self, request: Any, context: Context) -> Any:
        """Never a difference: replacing the provider would replace every resource."""
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    async def Configure(self, request: Any, context: Context) -> Any:
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    async def Cancel(self, request: Any, context: Context) -> Any:
        """Comes at the first SIGTERM, and at the end of every run."""
        self._builder.patience.stopped.set()
        return empty_pb2.Empty()

    async def Check(self, request: Any, context: Context) -> Any:
        """Inputs pass as they are: values may be unknown yet, so judgement waits for Create."""
        return provider_pb2.CheckResponse(inputs=request.news)

    async def Diff(self, request: Any, context: Context) -> Any:
        resource = await self._answer(context, lambda: _async(_resource(request)))
        old = plain(properties_from_struct(request.old_inputs))
        new = plain(properties_from_struct(request.news))
        response = provider_pb2.DiffResponse(hasDetailedDiff=True, deleteBeforeReplace=True)
        for key in sorted(old.keys() | new.keys()):
            if key in request.ignoreChanges or old.get(key) == new.get(key):
                continue
            replaces = key in resource.replaced_by
            response.diffs.append(key)
            response.replaces.extend([key] if replaces else [])
            change = provider_pb2.PropertyDiff.UPDATE_REPLACE if replaces else provider_pb2.PropertyDiff.UPDATE
            response.detailedDiff[key].CopyFrom(provider_pb2.PropertyDiff(kind=change, inputDiff=True))
        some, none = provider_pb2.DiffResponse.DIFF_SOME, provider_pb2.DiffResponse.DIFF_NONE
        response.changes = some if response.diffs else none
        return response

    async def Create(self, request: Any, context: Context) -> Any:
        if request.preview:
            return provider_pb2.CreateResponse(properties=request.properties)

        async def create() -> str:
            return (await self._builder.ensure(self._permitted(request, request.properties))).id

        object_id = await self._answer(context, create)
        return provider_pb2.CreateResponse(id=object_id, properties=request.properties)

    async def Read(self, request: Any, context: Context) -> Any:
        """Only a refresh asks, and we never refresh: the pass begins with an observation of its own."""
        return provider_pb2.ReadResponse(id=request.id, inputs=request.inputs, properties=request.properties)

    async def Update(self, request: Any, context: Context) -> Any:
        if request.preview:
            return provider_pb2.UpdateResponse(properties=request.news)

        async def update() -> None:
            await self._builder.update(self._permitted(request, request.news), request.id)

        await self._answer(context, update)
        return provider_pb2.UpdateResponse(properties=request.news)

    async def Delete(self, request: Any, context: Context) -> Any:
        async def delete() -> None:
            await self._builder.delete(_resource(request).kind, request.id, self._name(request))

        await self._answer(context, delete)
        return empty_pb2.Empty()

    def _permitted(self, request: Any, properties: Any) -> PlannedObject:
        resource, name = _resource(request), self._name(request)
        inputs, text = logical_inputs(resource, properties_from_struct(properties), self._builder.names)
        planned = self._builder.authority.permit_making(resource.kind, name, inputs)
        if text not in (None, marker(self._builder.authority.uid, name, planned.fingerprint)):
            raise NotApproved(f"{resource.kind} {name} carries a foreign marker")
        return planned

    def _name(self, request: Any) -> str:
        """The logical name. Any local process can dial the port, so the stack must be this pass's own."""
        stack, _, rest = request.urn.removeprefix("urn:pulumi:").partition("::")
        if stack != self._builder.authority.uid:
            raise NotApproved("the engine spoke of another stack")
        return str(rest.rsplit("::", 1)[-1])

    async def _answer(self, context: Context, question: Callable[[], Awaitable[T]]) -> T:
        try:
            return await question()
        except KunlunError as error:
            failure = error
        except Exception as error:
            _log.exception("provider failed")
            failure = EngineFailed(f"the provider failed: {type(error).__name__}")
        if self.failure is None or isinstance(self.failure, EngineInterrupted):
            self.failure = failure
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, failure.message)
        raise AssertionError("abort raises")


def _resource(request: Any) -> Resource:
    pulumi_type = request.type or request.urn.split("::")[2].rsplit("$", 1)[-1]
    try:
        return BY_PULUMI_TYPE[pulumi_type]
    except KeyError:
        raise NotApproved(f"no plan contains objects of type {pulumi_type}") from None


async def _async(value: T) -> T:
    return value
