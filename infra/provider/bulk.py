"""Concurrent creations of one Neutron collection, sent as one bulk POST.

Neutron API reference, "Bulk create": `{"ports": [...]}`, all or nothing. When the whole is refused, each is asked
for alone, so that one bad body does not fail its neighbours. An unknown outcome is everybody's.
"""

from __future__ import annotations

import asyncio
from typing import Any

from infra.cloud import Answer
from infra.cloud_answers import OutcomeUnknown
from infra.correlation import common, correlated, present
from infra.errors import KunlunError
from infra.provider.resource import CloudCalls

_WINDOW_SECONDS = 0.01
_LARGEST = 50

Waiting = tuple[dict[str, Any], asyncio.Future[Answer], str | None]  # and the id its call would carry alone


class Bulk:
    """Gathers the bodies of one collection for a few milliseconds, per cloud scope."""

    def __init__(self, collection: str, member: str) -> None:
        self._collection = collection
        self._member = member
        self._waiting: dict[CloudCalls, list[Waiting]] = {}
        self._running: set[asyncio.Task[None]] = set()

    async def create(self, cloud: CloudCalls, body: dict[str, Any]) -> Answer:
        """The created object, as Neutron answers it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        batch = self._waiting.setdefault(cloud, [])
        batch.append((body, future, present()))
        if len(batch) == 1:
            loop.call_later(_WINDOW_SECONDS, self._close_window, cloud)
        return await future

    def _close_window(self, cloud: CloudCalls) -> None:
        batch = self._waiting.pop(cloud, [])
        for start in range(0, len(batch), _LARGEST):
            task = asyncio.ensure_future(self._send(cloud, batch[start : start + _LARGEST]))
            self._running.add(task)  # a task nobody refers to may be collected
            task.add_done_callback(self._running.discard)

    async def _send(self, cloud: CloudCalls, batch: list[Waiting]) -> None:
        if len(batch) == 1:
            await self._send_alone(cloud, batch[0])
            return
        bodies = [body for body, _, _ in batch]
        try:
            with correlated(common(identity for _, _, identity in batch)):
                answer = await cloud.post("network", self._collection, {self._collection: bodies})
        except OutcomeUnknown as error:
            _fail(batch, error)
        except KunlunError:
            await asyncio.gather(*(self._send_alone(cloud, one) for one in batch))
        except Exception as error:
            _fail(batch, error)
        else:
            made = {raw["description"]: raw for raw in answer[self._collection]}
            for body, future, _ in batch:
                _settle(future, made[body["description"]])

    async def _send_alone(self, cloud: CloudCalls, one: Waiting) -> None:
        body, future, identity = one
        try:
            with correlated(identity):
                answer = await cloud.post("network", self._collection, {self._member: body})
        except Exception as error:
            _fail([one], error)
        else:
            _settle(future, answer[self._member])


def _settle(future: asyncio.Future[Answer], raw: Answer) -> None:
    if not future.done():
        future.set_result(raw)


def _fail(batch: list[Waiting], error: Exception) -> None:
    for _, future, _ in batch:
        if not future.done():
            future.set_exception(error)
