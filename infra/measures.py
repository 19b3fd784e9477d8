"""What is counted on the cloud's side while it happens: calls to OpenStack, runs of the engine.

Nothing here is a global: whoever serves the figures registers the families; unregistered ones count for nobody and
cost the same. Labels come from code and from OpenStack's own collections, never from what somebody may name.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from prometheus_client import Counter, Histogram

from infra.errors import InternalError, KunlunError

UNANSWERED = "unanswered"
SUCCEEDED, STOPPED = "Succeeded", "Stopped"
CALL_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
RUN_SECONDS = (0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600, 1800)


@dataclass(frozen=True, slots=True)
class CloudMeasures:
    """Calls to OpenStack. Used from several threads."""

    calls: Counter = field(
        default_factory=lambda: Counter(
            "kunlun_openstack_calls",
            "Calls sent to OpenStack, by service, method, collection (without ids) and status code.",
            ["service", "method", "collection", "code"],
            registry=None,
        )
    )
    seconds: Histogram = field(
        default_factory=lambda: Histogram(
            "kunlun_openstack_call_seconds",
            "Seconds until OpenStack's answer was read to its end, or given up.",
            ["service", "method"],
            buckets=CALL_SECONDS,
            registry=None,
        )
    )

    @contextmanager
    def call(self, service: str, method: str, collection: str) -> Iterator[list[str]]:
        """One exchange; its status code goes into the list. Without one it was not answered."""
        began, answer = time.monotonic(), list[str]()
        try:
            yield answer
        finally:
            self.calls.labels(service, method, collection, answer[0] if answer else UNANSWERED).inc()
            self.seconds.labels(service, method).observe(time.monotonic() - began)


@dataclass(frozen=True, slots=True)
class EngineMeasures:
    """Runs of the engine's command."""

    runs: Counter = field(
        default_factory=lambda: Counter(
            "kunlun_engine_runs",
            "Runs of the engine, by operation (up, destroy) and result: Succeeded, Stopped, or a reason.",
            ["operation", "result"],
            registry=None,
        )
    )
    seconds: Histogram = field(
        default_factory=lambda: Histogram(
            "kunlun_engine_run_seconds",
            "Seconds of a run of the engine, from its start to its end.",
            ["operation"],
            buckets=RUN_SECONDS,
            registry=None,
        )
    )

    @contextmanager
    def run(self, operation: str) -> Iterator[None]:
        """One run; what it raises is its result."""
        began, result = time.monotonic(), SUCCEEDED
        try:
            yield
        except BaseException as error:
            result = result_of(error)
            raise
        finally:
            self.runs.labels(operation, result).inc()
            self.seconds.labels(operation).observe(time.monotonic() - began)


def result_of(error: BaseException) -> str:
    """In one word: the reason, that somebody ended it, or that it is a bug. Pure."""
    if isinstance(error, KunlunError):
        return error.reason
    return STOPPED if isinstance(error, asyncio.CancelledError) else InternalError.__name__
