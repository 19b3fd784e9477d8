"""One id for all calls that carry out one plan."""

from __future__ import annotations

import asyncio
import re

from infra.correlation import HEADER, call_id, common, correlated, headers


def test_an_id_is_of_the_form_that_openstack_takes_and_follows_from_its_cause() -> None:
    """oslo.middleware ignores anything else than req-<uuid>; the same plan has the same id, wherever it is computed."""
    assert re.fullmatch(r"req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", call_id("digest"))
    assert call_id("digest") == call_id("digest") != call_id("another")


async def test_tasks_begun_in_the_block_carry_it_and_others_do_not() -> None:
    """Two passes side by side do not mix."""

    async def told() -> dict[str, str]:
        await asyncio.sleep(0)
        return headers()

    with correlated("req-1"):
        first = asyncio.create_task(told())
    with correlated("req-2"):
        second = asyncio.create_task(told())

    assert [{HEADER: "req-1"}, {HEADER: "req-2"}, {}] == [await first, await second, headers()]


def test_a_call_for_several_plans_carries_none() -> None:
    """It would be said to be of one of them alone."""
    assert ("a", None, None) == (common(["a", "a"]), common(["a", "b"]), common(["a", None]))
