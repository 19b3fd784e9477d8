"""Whether the watches are heard of: one that says nothing looks like a cluster in which nothing happens.

The API server sends a bookmark about every minute on each watch, and Kopf begins a silent one anew after
`SILENT_SECONDS`; so from each kind something arrives again and again, however quiet the cluster is. Kopf passes
bookmarks to nobody. Therefore its connection is ours: it tells when an answer begins, and the bytes that arrived are
looked at when somebody asks. What is silent for longer than both can explain is dead, and a new process is the cure.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import SimpleNamespace

import aiohttp

from controllers.api.stored import KINDS
from controllers.cluster import Access
from controllers.measures import ClusterMeasures, verb_and_kind
from infra.measures import UNANSWERED

SILENT_SECONDS = 70.0  # a bookmark is due every minute
# Twice silent, with the attempts to connect and the pauses in between.
DEAD_SECONDS = 180.0


@dataclass(slots=True)
class Stream:
    """One answer that may still go on, and how much of it had arrived when somebody last looked."""

    content: aiohttp.StreamReader
    seen: int


@dataclass(slots=True)
class Hearing:
    """When each kind was last heard of. Told by Kopf's thread, asked by ours."""

    measures: ClusterMeasures = field(default_factory=ClusterMeasures)
    clock: Callable[[], float] = time.monotonic
    _heard: dict[str, float] = field(default_factory=dict)
    _streams: dict[str, Stream] = field(default_factory=dict)

    def expect(self) -> None:
        """From now on every kind is to be heard of; those that are expected already stay as silent as they are."""
        for kind in KINDS:
            self._heard.setdefault(kind.plural, self.clock())

    def excuse(self) -> None:
        """Nothing can be heard at present, for a reason that no new process would change."""
        self._heard.clear()
        self._streams.clear()

    def silences(self) -> Mapping[str, float]:
        """Seconds of silence, by the plural of each kind that is to be heard of.

        What arrived since the last question counts as heard now: ask every few seconds (probes do).
        """
        now = self.clock()
        for plural, stream in list(self._streams.items()):
            if (arrived := stream.content.total_raw_bytes) != stream.seen:
                stream.seen = arrived
                self._hear(plural)
        return {plural: now - heard for plural, heard in sorted(self._heard.items())}

    def session(self, access: Access) -> aiohttp.ClientSession:
        """A connection for watching, listened to and counted. To be made in the loop that uses it."""
        tracing = aiohttp.TraceConfig()
        tracing.on_request_end.append(self._answered)
        tracing.on_request_exception.append(self._failed)
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ssl=access.tls),
            headers=access.headers(),
            trace_configs=[tracing],
        )

    async def _answered(
        self, _: aiohttp.ClientSession, __: SimpleNamespace, told: aiohttp.TraceRequestEndParams
    ) -> None:
        watching = told.url.query.get("watch") == "true"
        self.measures.count(told.method, told.url.path, str(told.response.status), watching=watching)
        if told.response.status < HTTPStatus.BAD_REQUEST:
            plural = verb_and_kind(told.method, told.url.path)[1]
            self._hear(plural)
            if watching and plural in self._heard:
                self._streams[plural] = Stream(told.response.content, told.response.content.total_raw_bytes)

    async def _failed(
        self, _: aiohttp.ClientSession, __: SimpleNamespace, told: aiohttp.TraceRequestExceptionParams
    ) -> None:
        watching = told.url.query.get("watch") == "true"
        self.measures.count(told.method, told.url.path, UNANSWERED, watching=watching)

    def _hear(self, plural: str) -> None:
        if plural in self._heard:
            self._heard[plural] = self.clock()
