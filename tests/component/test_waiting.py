"""Waiting for OpenStack has an end, whatever takes the time."""

from __future__ import annotations

import asyncio

import pytest

from infra.errors import CloudUnavailable
from infra.provider.waiting import Patience


async def test_slow_answers_count_as_waiting() -> None:
    """Not only the pauses between the questions: a cloud that takes a minute to say "not yet" is no reason to stay."""
    asked: list[int] = []

    async def slowly() -> None:
        asked.append(1)
        await asyncio.sleep(0.4)

    with pytest.raises(CloudUnavailable, match="the server is not there"):
        await Patience(deadline_seconds=0.5).until(slowly, "the server")
    assert 2 >= len(asked)
