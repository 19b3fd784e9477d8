"""Chromium without a window, steered over its DevTools protocol: opens a page, asks it things, takes its picture.

Protocol: chromedevtools.github.io/devtools-protocol, domains Page and Runtime.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import os
import shutil
import signal
import struct
import subprocess
import time
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

PROGRAM = "chromium"
START_SECONDS = 60.0
OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # we are root, in a test
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--window-size=1300,860",
    "--remote-debugging-port=0",
)
Color = tuple[int, int, int]


@dataclass
class Page:
    """One page of a running browser."""

    socket: aiohttp.ClientWebSocketResponse
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self.numbers)
        await self.socket.send_json({"id": number, "method": method, "params": parameters})
        while True:
            answer = await self.socket.receive_json(timeout=60)
            if answer.get("id") == number:
                assert "error" not in answer, answer
                return dict(answer["result"])

    async def open(self, address: str) -> None:
        await self.call("Page.navigate", url=address)

    async def value(self, expression: str) -> Any:
        answer = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer["result"].get("value")

    async def eventually(self, expression: str, wanted: Any, seconds: float) -> Any:
        """The value, when it is the wanted one or time is over."""
        until = time.monotonic() + seconds
        while (found := await self.value(expression)) != wanted and time.monotonic() < until:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
        return found

    async def picture(self) -> bytes:
        """A PNG of the whole page, a quarter of its size."""
        width, height = await self.value("[innerWidth, innerHeight]")
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 0.25}
        answer = await self.call("Page.captureScreenshot", format="png", clip=clip)
        return base64.b64decode(answer["data"])


@contextlib.asynccontextmanager
async def browsing(folder: Path) -> AsyncIterator[Page]:
    """A fresh browser with one page; everything of it ends with the block."""
    profile = folder / "chromium"
    environ = {**os.environ, "HOME": str(folder)}
    process = subprocess.Popen(  # noqa: ASYNC220 - it has to be ended as a group
        [PROGRAM, *OPTIONS, f"--user-data-dir={profile}", "about:blank"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=environ,
    )
    try:
        port = await _port(profile / "DevToolsActivePort")
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as listed:
                pages = [one for one in await listed.json(content_type=None) if one["type"] == "page"]
            async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=1 << 26) as socket:
                yield Page(socket)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(profile, ignore_errors=True)


async def _port(file: Path) -> int:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        with contextlib.suppress(OSError, IndexError, ValueError):
            return int(file.read_text().splitlines()[0])  # noqa: ASYNC240 - a local file
        await asyncio.sleep(0.1)
    raise AssertionError("Chromium did not start")


def colors(png: bytes) -> Counter[Color]:
    """How often each colour is in a picture. PNG specification (ISO/IEC 15948): 8 bits a sample, not interlaced."""
    width, height, samples, body = _chunks(png)
    stride, raw, found = width * samples, zlib.decompress(body), Counter[Color]()
    before = bytearray(stride)
    for row in range(height):
        start = row * (stride + 1)
        line = _unfiltered(raw[start], bytearray(raw[start + 1 : start + 1 + stride]), before, samples)
        found.update(zip(line[0::samples], line[1::samples], line[2::samples], strict=False))
        before = line
    return found


def _chunks(png: bytes) -> tuple[int, int, int, bytes]:
    place, body, head = 8, b"", b""
    while place < len(png):
        length, kind = struct.unpack(">I4s", png[place : place + 8])
        content = png[place + 8 : place + 8 + length]
        head, body = (content, body) if kind == b"IHDR" else (head, body + content if kind == b"IDAT" else body)
        place += 12 + length
    width, height, depth, color_type, *rest = struct.unpack(">IIBBBBB", head)
    assert (8, 0) == (depth, rest[2])
    return width, height, {2: 3, 6: 4}[color_type], body


def _unfiltered(kind: int, line: bytearray, above: bytearray, samples: int) -> bytearray:
    for place in range(len(line)):
        left = line[place - samples] if place >= samples else 0
        corner = above[place - samples] if place >= samples else 0
        guess = (0, left, above[place], (left + above[place]) // 2, _paeth(left, above[place], corner))[kind]
        line[place] = (line[place] + guess) & 0xFF
    return line


def _paeth(left: int, up: int, corner: int) -> int:
    distances = [abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)]
    return (left, up, corner)[distances.index(min(distances))]
