"""`Engine`: what the operator calls. One pass per request at a time, a bounded number of passes at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from infra.engine.ahead import is_short, open_repairs, removals, steps_ahead
from infra.engine.built import Built, built_by
from infra.engine.command import Command, forget_killed_runs
from infra.engine.disk import writing_to
from infra.engine.leftovers import break_abandoned_locks, end_engines
from infra.engine.run import Run
from infra.engine.state import StackState, ensure_backend, known_stacks
from infra.engine.transit import Transit
from infra.engine.turn import Turn, Turns
from infra.errors import CloudUnavailable
from infra.measures import EngineMeasures
from infra.planned import planned_objects
from infra.provider.authority import Authority, authority_of, teardown_authority
from infra.provider.builder import Builder, StepEvent, Steps
from infra.provider.departing import delete_together, departing
from infra.provider.linking import take_links_off
from infra.provider.looking import look, look_again, still_stillborn
from infra.provider.observe import observe
from infra.provider.observed import Observed, ObservedObject, identity_of
from infra.provider.resource import CloudCalls
from infra.provider.router_interface import is_by_port
from infra.provider.server import is_stillborn
from infra.provider.takeover import give_up, take_over
from infra.stack import program
from infra.stackplan import Kind, Origin, StackPlan

_REMOVAL_ROUNDS = 4
_NOTHING: Mapping[str, Kind] = {}

Listener = Callable[[StepEvent], None]
Declare = Callable[[StackPlan, Observed], Callable[[], None]]


class CloudSource(Protocol):
    """The part of `infra.cloud.Clouds` the engine uses."""

    def project(self, project_id: str) -> CloudCalls: ...


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """`pulumi` is the command line; `state` a folder of our own; `processes` how many run at the same time."""

    pulumi: Path
    state: Path
    processes: int
    project: Path = Path(__file__).parents[2]
    deadline_seconds: float = 1800.0
    patience_seconds: float = 600.0
    recent_seconds: float = 5.0  # how long an observation is good enough to delete on the strength of it


class Engine:
    """Makes approved plans true. Start it once, close it at the end."""

    def __init__(
        self,
        settings: EngineSettings,
        clouds: CloudSource,
        *,
        declare: Declare = program,
        measures: EngineMeasures | None = None,
    ) -> None:
        """`declare` turns a plan into the program for the engine; only tests have reason to give another."""
        self._settings = settings
        self._measures = measures or EngineMeasures()
        self._declare = declare
        self._clouds = clouds
        self._turns = Turns(settings.processes, settings.patience_seconds)
        self._transit = Transit(settings.state)

    async def start(self) -> None:
        """Prepares the state folder (mode 0700) and the key service; what a killed operator left there ends and goes.

        The folder MUST be ours alone from here on.
        """
        with writing_to(self._settings.state):
            self._settings.state.mkdir(parents=True, exist_ok=True, mode=0o700)
            end_engines(self._settings.state)
            break_abandoned_locks(self._settings.state)
            forget_killed_runs(self._settings.state)
            ensure_backend(self._settings.state)
            await self._transit.start()

    async def close(self) -> None:
        """Stops all passes in order, then the key service."""
        await self._turns.stop_all()
        await self._transit.close()

    def kill(self) -> None:
        """Ends all engines at once, without order: for who must not change anything any more."""
        end_engines(self._settings.state)

    async def cancel(self, uid: str) -> None:
        """Stops the request's running pass and waits for its end; without one, does nothing."""
        await self._turns.stop(uid)

    async def converge(self, plan: StackPlan, *, observed: Observed | None, on_progress: Listener) -> Built:
        """Makes exactly the plan true, and returns what it consists of. Idempotent.

        `observed` None promises that nothing of the request can exist yet: no lookup is made. Otherwise it MUST be
        recent: it decides what is adopted and what may be deleted, and to whose routers links lead. Raises what stood
        in the way first.
        """
        uid, authority = plan.origin.uid, authority_of(plan)
        async with self._turn(uid) as turn:
            cloud, marking = self._clouds.project(plan.project.id), Steps(len(plan.imports), on_progress)
            seen = observed or Observed(uid)
            if turn.waited_seconds > self._settings.recent_seconds and any(map(authority.removes, seen.objects)):
                seen = await look_again(cloud, seen)
            seen = await take_over(cloud, plan, seen, steps=marking, check=turn.check)
            steps = Steps(steps_ahead(plan, seen), on_progress)
            builder = Builder(cloud, authority, seen, steps, turn.patience())
            state = self._state(uid)
            state.unlock()
            await _delete(builder, [found for found in seen.twins if authority.removes(found)])
            await _repair(builder, plan)
            going, last = removals(authority, builder.observed)
            making = going and is_short(authority, builder.observed)
            if directly := making or not self._usable(state, builder.observed, authority):
                state.blank()
                await _delete(builder, going)
                builder.head_start()
            try:
                await turn.enter(self._run(uid, builder)).up(self._declare(plan, builder.observed))
            finally:
                await builder.settle()
                state.prune()
            if directly and last:
                await _delete(Builder(cloud, authority, builder.observed, steps, turn.patience()), last)
            return built_by(builder, plan)

    async def remove(
        self,
        origin: Origin,
        project_id: str,
        *,
        expected: Mapping[str, Kind] = _NOTHING,
        discard: Collection[str] = (),
        on_progress: Listener,
    ) -> list[str]:
        """Ends a request: deletes everything that carries its uid, until a listing shows nothing of it.

        `expected` is what is known to exist, kind by id: it is not taken for gone because a listing lacks it.
        `discard` names the data volumes that go, too; all others stay, and their names are returned.
        Idempotent; raises what stood in the way, and CloudUnavailable while OpenStack is still deleting.
        """
        uid, authority = origin.uid, teardown_authority(origin.uid, frozenset(discard))
        cloud = self._clouds.project(project_id)
        async with self._turn(uid) as turn:
            state = self._state(uid)
            state.unlock()
            for attempt in range(_REMOVAL_ROUNDS):
                seen = await (look(cloud, uid, expected) if attempt == 0 else observe(cloud, uid))
                going = [found for found in seen.objects if not authority.keeps(found)]
                if not going and seen.leaving:
                    raise CloudUnavailable(f"OpenStack is still deleting {', '.join(seen.leaving)}")
                if not going:
                    state.drop()
                    return sorted(found.name for found in seen.objects)
                builder = Builder(cloud, authority, seen, Steps(len(going), on_progress), turn.patience())
                kept = [found.identity for found in seen.objects if authority.keeps(found)]
                known = state.covers(seen, kept, [found.identity for found in going])
                async with departing(builder, going):  # while the engine is still loading
                    if attempt == 0 and known and state.is_true(seen, self._transit.sealed_key):
                        await turn.enter(self._run(uid, builder)).destroy()
        raise CloudUnavailable(f"objects of {origin.name} keep appearing while they are deleted")

    async def release(
        self, origin: Origin, project_id: str, *, expected: Mapping[str, Kind] = _NOTHING, on_progress: Listener
    ) -> None:
        """Ends a request without deleting: takes our marker off everything, until a listing shows nothing of it.

        What is half built is released as it is, but links to other requests are taken off both routers: nobody would
        close them any more. `expected` as in `remove`. Idempotent; raises what stood in the way.
        """
        cloud, uid = self._clouds.project(project_id), origin.uid
        authority = teardown_authority(uid, frozenset())
        async with self._turn(uid) as turn:
            state = self._state(uid)
            state.unlock()
            for attempt in range(_REMOVAL_ROUNDS):
                seen = await (look(cloud, uid, expected) if attempt == 0 else observe(cloud, uid))
                await _close_links(Builder(cloud, authority, seen, Steps(0, on_progress), turn.patience()))
                marking = Steps(len(seen.objects), on_progress)
                if await give_up(cloud, seen, steps=marking, check=turn.check):
                    continue
                if seen.leaving:
                    raise CloudUnavailable(f"OpenStack is still deleting {', '.join(seen.leaving)}")
                state.drop()
                return
        raise CloudUnavailable(f"objects of {origin.name} keep appearing while they are released")

    def turns(self) -> tuple[int, int]:
        """How many requests are at work here, and how many wait for a slot."""
        return self._turns.at_work()

    def kept(self) -> set[str]:
        """The uids of the requests of which something is kept here."""
        return known_stacks(self._settings.state)

    def drop(self, uids: Collection[str]) -> None:
        """Drops what is kept of requests that are gone, ended by another operator perhaps. The cloud is not touched."""
        for uid in uids:
            self._state(uid).drop()

    async def forget(self, uid: str) -> None:
        """Drops what is kept of a request here. The cloud is not touched; safe to repeat."""
        async with self._turn(uid):
            self._state(uid).drop()

    async def discard_faulty(self, plan: StackPlan, observed: Observed, *, on_progress: Listener) -> Observed:
        """Deletes planned servers in ERROR that never ran, so that the next `converge` builds them anew.

        Their ports and volumes stay and are used again; so does a server that is not in ERROR any more by now.
        Returns the observation without them.
        """
        planned = {identity_of(one) for one in planned_objects(plan).values()}
        imported = {entry.id for entry in plan.imports}  # what was taken over is never built anew
        faulty = [found for found in observed.objects if found.identity in planned and is_stillborn(found.raw)]
        faulty = [found for found in faulty if found.id not in imported]
        if not faulty:
            return observed
        authority = Authority(plan.origin.uid, removals=frozenset(found.identity for found in faulty))
        async with self._turn(plan.origin.uid) as turn:
            cloud, steps = self._clouds.project(plan.project.id), Steps(len(faulty), on_progress)
            going = [found for found in faulty if await still_stillborn(cloud, found)]
            await _delete(Builder(cloud, authority, observed, steps, turn.patience()), going)
            if len(going) < len(faulty):
                return await look_again(cloud, observed.without(going))
        servers = {found.id for found in faulty}
        return observed.without(
            [found for found in observed.objects if servers & {found.id, found.raw.get("server_id")}]
        )

    @asynccontextmanager
    async def _turn(self, uid: str) -> AsyncIterator[Turn]:
        async with self._turns.take(uid) as turn:
            with writing_to(self._settings.state):
                yield turn

    def _usable(self, state: StackState, seen: Observed, authority: Authority) -> bool:
        kept = {identity_of(one) for one in authority.planned.values()}
        return state.is_true(seen, self._transit.sealed_key) and state.covers(seen, kept, authority.removals)

    def _run(self, uid: str, builder: Builder) -> Run:
        settings = self._settings
        command = Command(
            settings.pulumi, settings.project, settings.state, self._transit.config_file, self._transit.environment
        )
        return Run(command, builder, uid, deadline_seconds=settings.deadline_seconds, measures=self._measures)

    def _state(self, uid: str) -> StackState:
        return StackState(self._settings.state, uid)


async def _delete(builder: Builder, objects: Collection[ObservedObject]) -> None:
    """Directly: for what the engine's state does not know, and before the engine asks for what it knows."""
    await delete_together(builder, objects)
    builder.forget(objects)


async def _close_links(builder: Builder) -> None:
    """Takes this request's links off the routers, and other requests' links off this one's."""
    parts = [one for one in builder.observed.objects if one.kind is Kind.ROUTER_ROUTES or is_by_port(one.id)]
    await _delete(builder, parts)
    for router in [one for one in builder.observed.objects if one.kind is Kind.ROUTER]:
        await take_links_off(builder.cloud, router.id)


async def _repair(builder: Builder, plan: StackPlan) -> None:
    """Deletes what the plan names by id and what still has to go; then looks again: much hangs on such objects.

    What somebody has put back meanwhile stays. The engine's state knows the old objects, so it is not true any more.
    """
    going = open_repairs(builder.authority, plan, builder.observed)
    if going:
        await _delete(builder, going)
        builder.see(await look_again(builder.cloud, builder.observed))
