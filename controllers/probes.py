"""What is served over HTTP, when `kunlun run --metrics-address` says where: /metrics, /livez, /readyz.

In the event loop that does the work, so an answer proves that the loop turns. Nothing that is served names a person, a
department or a request, and there is nothing to write; who may ask is the network's business (a NetworkPolicy).
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from controllers.figures import registry_of
from controllers.health import Health, liveness, readiness
from controllers.vitals import Vitals

METRICS, ALIVE, READY = "/metrics", "/livez", "/readyz"
END_SECONDS = 1.0
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = structlog.get_logger(__name__)


@contextlib.asynccontextmanager
async def serving(address: tuple[str, int] | None, vitals: Vitals) -> AsyncIterator[None]:
    """Until the block ends; without an address, nothing is served. Raises OSError when somebody listens there."""
    if address is None:
        yield
        return
    runner = web.AppRunner(application(vitals), access_log=None, handle_signals=False, shutdown_timeout=END_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, *address).start()
        log.info("serving", address=f"{address[0]}:{address[1]}")
        yield
    finally:
        await runner.cleanup()


def application(vitals: Vitals) -> web.Application:
    """The three pages."""
    found = web.Application()
    found.router.add_get(METRICS, _metrics(registry_of(vitals)))
    found.router.add_get(ALIVE, _probe(lambda: liveness(vitals.signs())))
    found.router.add_get(READY, _probe(lambda: readiness(vitals.signs())))
    return found


def _metrics(registry: CollectorRegistry) -> Handler:
    async def metrics(request: web.Request) -> web.StreamResponse:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(registry), headers={"Content-Type": content_type})

    return metrics


def _probe(look: Callable[[], Health]) -> Handler:
    async def probe(_: web.Request) -> web.StreamResponse:
        health = look()
        status = HTTPStatus.OK if health.well else HTTPStatus.SERVICE_UNAVAILABLE
        return web.Response(status=status, text=f"{health.because}\n")

    return probe
