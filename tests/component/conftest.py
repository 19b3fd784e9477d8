"""What several component tests stand on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from infra.cloud import Clouds
from tests.component.cloud_api import Api, served, write_entry


@pytest_asyncio.fixture
async def api() -> AsyncIterator[Api]:
    async with served() as api:
        yield api


@pytest.fixture
def clouds(api: Api, tmp_path: Path) -> Clouds:
    return Clouds("c", write_entry(tmp_path / "clouds.yaml", api))
