"""One run: a provider server and a program server for this run alone, the command between them, and its outcome.

Per-run servers make cancelling and the guards of the provider belong to one run without any key.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Literal

import grpc
import grpc.aio
import structlog
from pulumi.automation._server import LanguageServer
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import language_pb2_grpc, provider_pb2_grpc

from infra.engine.command import Command, Ended, Process
from infra.errors import EngineFailed, EngineInterrupted
from infra.measures import EngineMeasures
from infra.provider.builder import Builder
from infra.provider.servicer import Provider

_LANGUAGE_THREADS = 4  # Run occupies one for as long as the program lives
_log = structlog.get_logger(__name__)


class Run:
    """One command over one stack. `stop` may come at any moment, also before the start."""

    def __init__(
        self, command: Command, builder: Builder, uid: str, *, deadline_seconds: float, measures: EngineMeasures
    ) -> None:
        self._command = command
        self._measures = measures
        self._builder = builder
        self._uid = uid
        self._deadline_seconds = deadline_seconds
        self._process: Process | None = None
        self._crash: BaseException | None = None
        self._stopped = False

    async def up(self, program: Callable[[], None]) -> None:
        """Declares the program. Raises the provider's first error, or EngineFailed, or EngineInterrupted."""
        async with _served_program(self._watched(program)) as port:
            with self._measures.run("up"):
                await self._execute("up", port)

    async def destroy(self) -> None:
        """Deletes everything the state records."""
        with self._measures.run("destroy"):
            await self._execute("destroy", None)

    async def stop(self) -> None:
        """Ends the run in order; returns when its process is gone."""
        self._stopped = True
        self._builder.patience.stopped.set()
        if self._process is not None:
            await self._process.stop()

    async def _execute(self, operation: Literal["up", "destroy"], language_port: int | None) -> None:
        provider = Provider(self._builder)
        async with _served_provider(provider) as port:
            if self._stopped:
                raise EngineInterrupted("stopped before the engine was started")
            arguments = self._command.arguments(operation, self._uid, language_port)
            self._process = await Process.start(self._command, arguments, port)
            if self._stopped:  # while it started
                await self._process.stop()
            ended = await self._ended(self._process)
        self._judge(provider, ended)

    async def _ended(self, process: Process) -> Ended:
        waiting = asyncio.ensure_future(process.wait())
        done, _ = await asyncio.wait({waiting}, timeout=self._deadline_seconds)
        if not done:
            await self.stop()
        return await waiting

    def _judge(self, provider: Provider, ended: Ended) -> None:
        if ended.code == 0:
            return
        _log.info("engine failed", request=self._uid, code=ended.code, diagnostics=ended.diagnostics)
        if provider.failure is not None:
            raise provider.failure
        if self._crash is not None:
            raise EngineFailed(f"the program failed: {type(self._crash).__name__}") from self._crash
        if ended.code < 0 or self._stopped:
            raise EngineInterrupted("the engine was stopped; the next pass continues")
        raise EngineFailed(f"the engine ended with code {ended.code}: {_first_line(ended.diagnostics)}")

    def _watched(self, program: Callable[[], None]) -> Callable[[], None]:
        def watched() -> None:
            try:
                program()
            except BaseException as error:
                self._crash = error
                raise

        return watched


@asynccontextmanager
async def _served_provider(provider: Provider) -> AsyncIterator[int]:
    server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield port
    finally:
        await server.stop(0)


@asynccontextmanager
async def _served_program(program: Callable[[], None]) -> AsyncIterator[int]:
    with ThreadPoolExecutor(_LANGUAGE_THREADS, thread_name_prefix="program") as pool:
        server = grpc.server(pool, options=_GRPC_CHANNEL_OPTIONS)
        language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageServer(program), server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield port
        finally:
            stopped = server.stop(0)
            await asyncio.get_running_loop().run_in_executor(None, stopped.wait)
            _unsilence(logging.getLogger("asyncio"))


def _unsilence(log: logging.Logger) -> None:
    """The language server silences asyncio's log for the whole process; we want to hear of our forgotten tasks."""
    log.addFilter(_not_from_a_program)
    if log.level == logging.CRITICAL:
        log.setLevel(logging.NOTSET)


def _not_from_a_program(record: logging.LogRecord) -> bool:
    """A program that ends early leaves waiting outputs behind; they are the reason for the silence."""
    return "/pulumi/" not in record.getMessage()


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0] or "no diagnostics"
