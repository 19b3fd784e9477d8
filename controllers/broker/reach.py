"""The one way from the broker to a desktop: SSH over its zone's management path, to one command, host key pinned.

The desktop's screen listens on no network at all. The key that is used here may run that one command there and nothing
else, so not even the broker can do more with a desktop than show it.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from controllers.api.stored import DesktopSession
from infra.errors import GuestUnreachable
from infra.management import proxy_command

ACCOUNT = "kunlun-desktop"
GREETING = b"RFB "
CONNECT_SECONDS, TRY_AGAIN_SECONDS = 40.0, 1.0


class Line(Protocol):
    """An open connection to the screen of a desktop."""

    greeting: bytes

    async def read(self) -> bytes:
        """What the desktop sent; empty at the end."""

    async def write(self, data: bytes) -> None: ...

    async def close(self) -> None: ...


class Reach(Protocol):
    """How to get to a desktop."""

    async def open(self, session: DesktopSession) -> Line:
        """Raises GuestUnreachable."""


@dataclass(frozen=True, slots=True)
class SshReach:
    """`proxy` is ssh's ProxyCommand, with {zone} and {gateway} to be filled in; `host_keys` has one folder a server."""

    key: Path
    host_keys: Path
    scratch: Path
    proxy: str

    async def open(self, session: DesktopSession) -> Line:
        """A desktop that has just been started answers a little later: until then it is tried again."""
        words, deadline = self._words(session), asyncio.get_running_loop().time() + CONNECT_SECONDS
        while True:
            try:
                return await _opened(words)
            except GuestUnreachable:
                if asyncio.get_running_loop().time() > deadline:
                    raise
            await asyncio.sleep(TRY_AGAIN_SECONDS)

    def _words(self, session: DesktopSession) -> list[str]:
        status = session.status
        server, zone = status.server or "", status.zone or ""
        options = {
            "BatchMode": "yes",
            "ConnectTimeout": "10",
            "HostKeyAlias": server,
            "IdentitiesOnly": "yes",
            "LogLevel": "ERROR",
            "ProxyCommand": proxy_command(self.proxy, zone, status.gateway or "") or "none",
            "ServerAliveInterval": "15",
            "StrictHostKeyChecking": "yes",
            "UserKnownHostsFile": str(self._known_hosts(server)),
        }
        given = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        return ["ssh", "-F", "none", "-T", "-i", str(self.key), *given, f"{ACCOUNT}@{status.address}"]

    def _known_hosts(self, server: str) -> Path:
        if not server.replace("-", "").isalnum():
            raise GuestUnreachable("the session names no server")
        try:
            key = (self.host_keys / server / "host_key.pub").read_text(encoding="utf-8").split()[:2]
        except OSError as error:
            raise GuestUnreachable(f"the host key of server {server} is not known") from error
        self.scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        known = self.scratch / server
        known.write_text(f"{server} {' '.join(key)}\n", encoding="utf-8")
        return known


@dataclass(slots=True)
class ProcessLine:
    """The standard streams of one ssh process."""

    process: asyncio.subprocess.Process
    greeting: bytes

    async def read(self) -> bytes:
        assert self.process.stdout is not None  # noqa: S101
        return await self.process.stdout.read(1 << 16)

    async def write(self, data: bytes) -> None:
        assert self.process.stdin is not None  # noqa: S101
        self.process.stdin.write(data)
        await self.process.stdin.drain()

    async def close(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()


async def _opened(words: list[str]) -> Line:
    """Open is open when the screen greets: until then anything may have gone wrong. RFC 6143, section 7.1.1."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*words, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.STDOUT)
    line = ProcessLine(process, b"")
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            line.greeting = await line.read()
    except TimeoutError:
        line.greeting = b""
    if not line.greeting.startswith(GREETING):
        await line.close()
        said = line.greeting.decode(errors="replace").strip().splitlines()
        raise GuestUnreachable(f"the desktop does not answer: {said[-1] if said else 'without a word'}")
    return line
