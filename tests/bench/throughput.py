"""Many requests at once: the engine beside the same script, each given all of them at the same moment.

python -m tests.bench.throughput [--requests 10] [--pulumi PATH] ...
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from pathlib import Path

from infra.engine import Engine, EngineSettings
from tests.bench.latency import until_active
from tests.bench.peer import Peer
from tests.bench.stage import Stage, a_stage, arguments, standard_plan

TARGET = 0.9


async def main() -> None:
    parser = arguments("standard requests per minute, many at once")
    parser.add_argument("--requests", type=int, default=10)
    parser.add_argument("--pulumi", type=Path, default=shutil.which("pulumi"), required=shutil.which("pulumi") is None)
    options = parser.parse_args()
    stage = await a_stage(options)
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine(EngineSettings(options.pulumi, Path(folder), (os.cpu_count() or 1) + 1), stage.clouds)
        await engine.start()
        ours = await _by_engine(engine, stage, options.requests)
        await engine.close()
    theirs = await _by_script(Peer(stage), stage, options.requests)
    stage.clouds.close()
    print(f"engine {ours:.1f} a minute, script {theirs:.1f}: ratio {ours / theirs:.2f} (target {TARGET})")


async def _by_engine(engine: Engine, stage: Stage, requests: int) -> float:
    plans = [standard_plan(stage, next(stage.free)) for _ in range(requests)]
    began = time.monotonic()
    await asyncio.gather(*(engine.converge(plan, observed=None, on_progress=lambda event: None) for plan in plans))
    await asyncio.gather(*(until_active(stage, plan) for plan in plans))
    seconds = time.monotonic() - began
    removals = (engine.remove(plan.origin, plan.project.id, on_progress=lambda event: None) for plan in plans)
    await asyncio.gather(*removals)
    return 60 * requests / seconds


async def _by_script(peer: Peer, stage: Stage, requests: int) -> float:
    prefixes = [next(stage.free) for _ in range(requests)]
    names = [f"peer-{str(prefix.network_address).replace('.', '-')}-end" for prefix in prefixes]
    began = time.monotonic()
    builds = [asyncio.to_thread(peer.build, name, prefix) for name, prefix in zip(names, prefixes, strict=True)]
    await asyncio.gather(*builds)
    seconds = time.monotonic() - began
    for name in names:
        await asyncio.to_thread(peer.remove, name)
    return 60 * requests / seconds


if __name__ == "__main__":
    asyncio.run(main())
