"""The real engine over an OpenStack in memory."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from infra.engine import Built, Engine, EngineSettings, StepEvent
from infra.provider.observe import observe
from infra.provider.observed import Observed
from infra.stackplan import StackPlan
from tests.component.fake_cloud import FakeCloud
from tests.component.plans import UID, unheard

CACHED = Path.home() / ".cache" / "kunlun" / "toolchain" / "pulumi-v3.259.0" / "pulumi"


def pulumi() -> Path:
    """The engine's command: $KUNLUN_PULUMI, PATH, or the toolchain's cache."""
    named = os.environ.get("KUNLUN_PULUMI") or shutil.which("pulumi") or str(CACHED)
    if not Path(named).exists():
        pytest.skip("no pulumi command: set KUNLUN_PULUMI")
    return Path(named)


@asynccontextmanager
async def an_engine(cloud: FakeCloud, folder: Path) -> AsyncIterator[Engine]:
    """Started, and closed at the end; a second one over the same folder is a restarted operator."""
    engine = Engine(EngineSettings(pulumi(), folder, processes=2), cloud)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()


async def first_build(cloud: FakeCloud, folder: Path, plan: StackPlan) -> Built:
    async with an_engine(cloud, folder) as engine:
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
