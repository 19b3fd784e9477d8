"""Approved to provisioned: the operator, its engine alone, and the best parallel script, in alternating runs.

    python -m tests.bench.latency [--runs 5] [--pulumi PATH] ...

All sides start warm (logged in, catalogue read) and end when all servers are ACTIVE and the router carries the
subnet; the operator's clock runs from the Approval until its watch tells `Ready`. What counts are the ratios
of the medians: absolute times are the cloud's.
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from infra.engine import Engine, EngineSettings
from infra.errors import ServerFault
from infra.provider.observe import list_building, list_servers, servers_from_listing
from infra.stackplan import StackPlan
from tests.bench.meter import Meter
from tests.bench.peer import Peer
from tests.bench.stage import SERVERS, Stage, a_stage, arguments, standard_plan
from tests.bench.whole import WholeOperator
from tests.conftest import Sandbox

POLL_SECONDS = 0.25
TARGET = 1.15


@dataclass(slots=True)
class Series:
    """What one side took, run by run."""

    name: str
    seconds: list[float] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    removal_seconds: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        runs = " ".join(f"{one:.2f}" for one in self.seconds)
        calls, removal = statistics.median(self.calls), statistics.median(self.removal_seconds)
        return f"{self.name:8} median {self.median:.2f} s ({runs}), {calls:.0f} calls; removal {removal:.2f} s"

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


async def main() -> None:
    parser = arguments("latency of the standard request")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--pulumi", type=Path, default=shutil.which("pulumi"), required=shutil.which("pulumi") is None)
    options = parser.parse_args()
    stage = await a_stage(options)
    peer = Peer(stage)
    sandbox = Sandbox(options.clouds_yaml.parent.absolute())
    meter = Meter(sandbox)
    whole = WholeOperator(sandbox, meter)
    operator, engine, script = Series("operator"), Series("engine"), Series("script")
    with tempfile.TemporaryDirectory() as folder:
        subject = Engine(EngineSettings(options.pulumi, Path(folder), processes=3), stage.clouds)
        await subject.start()
        for run in range(options.runs):
            await asyncio.to_thread(_measure_operator, whole, meter, f"bench-{run}", operator)
            await _measure_engine(subject, stage, engine)
            await _measure_script(peer, stage, script)
            newest = ", ".join(f"{one.name} {one.seconds[-1]:.2f} s" for one in (operator, engine, script))
            print(newest, flush=True)
        await subject.close()
    stage.clouds.close()
    for one in (operator, engine, script):
        print(one)
    for one in (operator, engine):
        print(_compared(one, script))


async def until_active(stage: Stage, plan: StackPlan) -> None:
    """As the operator polls: one list call for all servers, and a look at them in the end."""
    while True:
        if not await list_building(stage.cloud):
            break
        await asyncio.sleep(POLL_SECONDS)
    servers = servers_from_listing(await list_servers(stage.cloud), plan.origin.uid)
    if unbuilt := {name: found.fault for name, found in servers.items() if found.status != "ACTIVE"}:
        raise ServerFault(f"a server failed: {unbuilt}")


def _measure_operator(whole: WholeOperator, meter: Meter, name: str, series: Series) -> None:
    request = whole.begin(name, SERVERS)
    built, removed = meter.measured(whole, request.create), meter.measured(whole, request.delete)
    series.seconds.append(built.seconds)
    series.calls.append(built.calls)
    series.removal_seconds.append(removed.seconds)


async def _measure_engine(engine: Engine, stage: Stage, series: Series) -> None:
    plan = standard_plan(stage, next(stage.free))
    before, began = stage.sent(), time.monotonic()
    await engine.converge(plan, observed=None, on_progress=lambda event: None)
    await until_active(stage, plan)
    series.seconds.append(time.monotonic() - began)
    series.calls.append(stage.sent() - before)
    began = time.monotonic()
    await engine.remove(plan.origin, plan.project.id, on_progress=lambda event: None)
    series.removal_seconds.append(time.monotonic() - began)


async def _measure_script(peer: Peer, stage: Stage, series: Series) -> None:
    prefix = next(stage.free)
    name = f"peer-{str(prefix.network_address).replace('.', '-')}"
    before, began = peer.calls.total(), time.monotonic()
    await asyncio.to_thread(peer.build, name, prefix)
    series.seconds.append(time.monotonic() - began)
    series.calls.append(peer.calls.total() - before)
    began = time.monotonic()
    await asyncio.to_thread(peer.remove, name)
    series.removal_seconds.append(time.monotonic() - began)


def _compared(one: Series, script: Series) -> str:
    ratio, removal = one.median / script.median, _removal(one) / _removal(script)
    return f"{one.name} / script: {ratio:.2f} (target {TARGET}), removal {removal:.2f}"


def _removal(series: Series) -> float:
    return statistics.median(series.removal_seconds)


if __name__ == "__main__":
    asyncio.run(main())
