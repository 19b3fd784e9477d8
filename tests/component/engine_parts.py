"""The real engine over an OpenStack in memory."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

from infra.engine import Built, Engine, EngineSettings, StepEvent
from infra.engine.engine import Declare
from infra.provider.observe import observe
from infra.provider.observed import Observed
from infra.sandbox.layout import cache_folder
from infra.sandbox.toolchain import PULUMI, ensure_tool
from infra.stack import program
from infra.stackplan import StackPlan
from tests.component.fake_cloud import FakeCloud
from tests.component.plans import UID, unheard


@cache
def pulumi() -> Path:
    """The engine's command: from PATH, the toolchain's cache, or built now."""
    return ensure_tool(PULUMI, cache_folder(os.environ), os.environ, print)


@asynccontextmanager
async def an_engine(
    cloud: FakeCloud, folder: Path, declare: Declare = program, *, recent_seconds: float = 5.0
) -> AsyncIterator[Engine]:
    """Started, and closed at the end; a second one over the same folder is a restarted operator."""
    settings = EngineSettings(pulumi(), folder, processes=2, recent_seconds=recent_seconds)
    engine = Engine(settings, cloud, declare=declare)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


async def first_build(cloud: FakeCloud, folder: Path, plan: StackPlan, declare: Declare = program) -> Built:
    async with an_engine(cloud, folder, declare) as engine:
        return await engine.converge(plan, observed=None, on_progress=unheard)


async def next_pass(cloud: FakeCloud, folder: Path, plan: StackPlan) -> Built:
    """As the operator does it: observe, then converge."""
    async with an_engine(cloud, folder) as engine:
        observed = await observe(cloud, plan.origin.uid)
        return await engine.converge(plan, observed=observed, on_progress=unheard)


async def ids(cloud: FakeCloud, uid: str = UID) -> dict[str, str]:
    """What is observed of a request, by logical name."""
    return {found.name: found.id for found in (await observe(cloud, uid)).objects}


def state_file(folder: Path, uid: str = UID) -> Path:
    return folder / "backend" / ".pulumi" / "stacks" / "kunlun" / f"{uid}.json"


class Progress:
    """Remembers what it heard."""

    def __init__(self) -> None:
        self.heard: list[StepEvent] = []

    def __call__(self, event: StepEvent) -> None:
        self.heard.append(event)


def nothing(uid: str = UID) -> Observed:
    return Observed(uid)
