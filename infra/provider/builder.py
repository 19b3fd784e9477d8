"""The only place with effects on the cloud: adopt what carries the marker, else create; ask the authority first.

A pass has one builder. It knows what was observed when the pass began and what the pass has made since; an object
is made at most once however many ask for it. In a first build nothing was observed because nothing can exist.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from infra.cloud_answers import Conflict, OutcomeUnknown
from infra.errors import CloudRefused, EngineInterrupted, NotApproved
from infra.planned import PlannedObject
from infra.provider.authority import Authority
from infra.provider.blockers import blockers
from infra.provider.kinds import BY_KIND
from infra.provider.linking import take_links_off
from infra.provider.observed import Observed, ObservedObject, differing_fields, identity_of
from infra.provider.repairs import beyond_repair
from infra.provider.resource import CloudCalls, Made, Names, Resource, Scene
from infra.provider.volume import wait_until_usable
from infra.provider.waiting import Patience
from infra.stackplan import Kind, marker

Operation = Literal["create", "update", "delete", "import", "release"]


@dataclass(frozen=True, slots=True)
class StepEvent:
    """One step of a pass, seen where it happens. `done` of `total` steps are finished."""

    name: str
    kind: Kind
    operation: Operation
    moment: Literal["started", "done"]
    done: int
    total: int


@dataclass(slots=True)
class Steps:
    """Counts the steps of a pass and tells whoever listens."""

    total: int
    listener: Callable[[StepEvent], None]
    done: int = 0

    def started(self, kind: Kind, name: str, operation: Operation) -> None:
        self.listener(StepEvent(name, kind, operation, "started", self.done, self.total))

    def finished(self, kind: Kind, name: str, operation: Operation) -> None:
        self.done = min(self.done + 1, self.total)
        self.listener(StepEvent(name, kind, operation, "done", self.done, self.total))


@dataclass(slots=True)
class Builder:
    """The effects of one pass on one request.

    `look_again_seconds` are the pauses before each look for an object whose POST broke.
    """

    cloud: CloudCalls
    authority: Authority
    observed: Observed
    steps: Steps
    patience: Patience = field(default_factory=Patience)
    look_again_seconds: tuple[float, ...] = (0.5, 1.5, 3.0)
    names: Names = field(init=False)
    made: dict[str, Made] = field(init=False, default_factory=dict)
    _scene: Scene = field(init=False)
    _making: dict[str, asyncio.Future[Made]] = field(init=False, default_factory=dict)
    _deleting: dict[str, asyncio.Future[None]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.names = _names_of(self.authority.planned, self.observed)
        self._scene = Scene(self.cloud, self.names, self.patience)

    async def ensure(self, planned: PlannedObject) -> Made:
        """Adopts or creates a planned object, once per pass; later calls wait for the first."""
        return await asyncio.shield(self._begin(planned))

    def head_start(self) -> None:
        """Begins with all that servers need, each as soon as what it refers to is there, while the engine is loading.

        Only for a pass in which the engine will ask for all of it: its questions then find the answer under way.
        """
        waiting = dict(self.authority.planned)
        while begun := [one for one in waiting.values() if self._may_begin(one, waiting)]:
            for one in begun:
                self._begin(waiting.pop(one.name))

    async def settle(self) -> None:
        """Waits for everything begun, so that nothing happens after the pass."""
        await asyncio.gather(*self._making.values(), *self._deleting.values(), return_exceptions=True)

    def forget(self, gone: Collection[ObservedObject]) -> None:
        """Takes deleted objects out of the observation, so that they are neither adopted nor referred to."""
        self.see(self.observed.without(gone))

    def see(self, observed: Observed) -> None:
        """Goes on from what is observed now. Only before anything was made."""
        self.observed = observed
        self.names = _names_of(self.authority.planned, self.observed)
        self._scene = Scene(self.cloud, self.names, self.patience)

    async def update(self, planned: PlannedObject, object_id: str) -> None:
        """Brings an existing object of this request to its planned inputs."""
        found = self.observed.by_id.get(object_id)
        if found is None or found.identity != identity_of(planned):
            raise NotApproved(f"{planned.kind} {planned.name} is no object of this request")
        await self._adopt(planned, found)

    async def delete(self, kind: Kind, object_id: str, name: str) -> None:
        """Deletes an observed object and waits until it is gone, once per pass; later calls wait for the first.

        Kept volumes are left alone in silence.
        """
        found = self.observed.by_id.get(object_id)
        if found is not None and self.authority.keeps(found):
            return
        permitted = self.authority.permit_deleting(found, f"{kind} {name} ({object_id})")
        if any(made.id == object_id for made in self.made.values()):
            raise NotApproved(f"{kind} {name} was made by this very pass")
        if object_id not in self._deleting:
            self._deleting[object_id] = asyncio.ensure_future(self._depart(permitted))
        await asyncio.shield(self._deleting[object_id])

    async def _depart(self, found: ObservedObject) -> None:
        self.steps.started(found.kind, found.name, "delete")
        try:
            await self._delete(found)
        except Conflict as error:
            in_the_way = await blockers(self.cloud, found.kind, found.id)
            raise CloudRefused(f"{error.message}; in the way: {in_the_way}") if in_the_way else error from error
        self.steps.finished(found.kind, found.name, "delete")

    async def _delete(self, found: ObservedObject) -> None:
        """With other requests' links out of the way: a router that goes takes its end of them with it."""
        resource = BY_KIND[found.kind]
        try:
            await resource.delete(self._scene, found.id, found.raw)
        except Conflict:
            if found.kind is not Kind.ROUTER or not await take_links_off(self.cloud, found.id):
                raise
            await resource.delete(self._scene, found.id, found.raw)

    def _may_begin(self, planned: PlannedObject, waiting: Mapping[str, PlannedObject]) -> bool:
        """Not what needs a router of another request that is not there: the engine does not ask for that.

        Nor a server: an engine that cannot work, for want of room perhaps, should fail before anything is booted.
        """
        can_be_made = planned.kind is not Kind.SERVER and self.observed.reaches(planned)
        return can_be_made and not planned.needs & waiting.keys()

    def _begin(self, planned: PlannedObject) -> asyncio.Future[Made]:
        if planned.name not in self._making:
            begun = [self._making[name] for name in planned.needs if name in self._making]
            self._making[planned.name] = asyncio.ensure_future(self._ensure(planned, begun))
        return self._making[planned.name]

    async def _ensure(self, planned: PlannedObject, begun: Collection[asyncio.Future[Made]]) -> Made:
        await asyncio.gather(*begun)
        self._require_going_on()
        found = self.observed.by_identity.get(identity_of(planned))
        if found is not None:
            await self._adopt(planned, found)
            made = Made(found.id, found.raw)
        else:
            self.steps.started(planned.kind, planned.name, "create")
            made = await self._create(BY_KIND[planned.kind], planned)
            self._scene.made[made.id] = made.raw
        self.made[planned.name] = made
        self.names.replace(planned.name, made.id)
        if planned.kind is Kind.VOLUME:
            await wait_until_usable(self._scene, made.id)
        if found is None:
            self.steps.finished(planned.kind, planned.name, "create")
        return made

    def _require_going_on(self) -> None:
        """Nothing new is begun once the pass is stopped, or something in it has failed."""
        if self.patience.stopped.is_set():
            raise EngineInterrupted("stopped while building; the next pass continues")
        for one in self._making.values():
            if one.done() and not one.cancelled() and (failure := one.exception()):
                raise failure  # whatever the engine asks for first, it hears the reason

    async def _adopt(self, planned: PlannedObject, found: ObservedObject) -> None:
        """What is not as planned for life is used as it is, and left alone: another object needs a plan of its own."""
        if differing_fields(planned, found) and not beyond_repair(planned, found):
            self.steps.started(planned.kind, planned.name, "update")
            await BY_KIND[planned.kind].update(self._scene, found.id, planned)
            self.steps.finished(planned.kind, planned.name, "update")

    async def _create(self, resource: Resource, planned: PlannedObject) -> Made:
        text = marker(self.authority.uid, planned.name, planned.fingerprint)
        try:
            return await resource.create(self._scene, planned, text)
        except OutcomeUnknown as error:
            made = await self._found_after(resource, planned, text)
            if made is None:
                raise error from None
            return made

    async def _found_after(self, resource: Resource, planned: PlannedObject, text: str) -> Made | None:
        """Looks for an object whose POST broke; it may still be on its way into the database."""
        for pause in self.look_again_seconds:
            await self.patience.pause(pause)
            if made := await resource.find(self._scene, planned, text):
                return made
        return None


def _names_of(planned: Mapping[str, PlannedObject], observed: Observed) -> Names:
    """Only objects the plan keeps can be referred to; an object of an earlier plan is known by its id alone."""
    names = Names(observed.routers)
    wanted = {identity_of(one) for one in planned.values()}
    for found in observed.objects:
        if found.identity in wanted:
            names.record(found.name, found.id)
    return names
