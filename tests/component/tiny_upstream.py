"""A tiny HTTP server behind a fault proxy, and callers before it."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import urlsplit

from tests.faults.calls import Answer
from tests.faults.proxy import FaultProxy

ITEMS = {"ports": [{"id": "a"}, {"id": "b"}, {"id": "c"}], "ports_links": [], "kind": "PortList"}
SOON = 5.0


class Upstream(BaseHTTPRequestHandler):
    """Answers every call with the same list, and a watch with lines for as long as the test adds any."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[tuple[str, str, bytes, str]]]
    lines: ClassVar[list[bytes]]

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.seen.append((self.command, self.path, self.rfile.read(length), self.headers.get("X-Auth-Token", "")))
        if "watch=true" in self.path:
            return self.stream()
        body = json.dumps({**ITEMS, "self": f"http://{self.headers['Host']}/"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None

    do_GET = do_POST = answer  # noqa: N815  the names are http.server's

    def stream(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        sent = 0
        while b"end" not in self.lines:
            for line in self.lines[sent:]:
                self.wfile.write(line + b"\n")
                sent += 1
            time.sleep(0.01)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on standard error."""


@dataclass(slots=True)
class Stream:
    """The receiving end of a watch."""

    connection: socket.socket
    received: bytes = b""

    def heard(self, word: bytes, seconds: float = SOON) -> bool:
        """Whether a word arrives in time."""
        self.connection.settimeout(seconds)
        try:
            while word not in self.received:
                self.received += self.connection.recv(1000)
        except TimeoutError:
            return False
        return True


class Stage:
    """An upstream, a proxy before it, and a caller."""

    def __init__(self, proxy: FaultProxy, handler: type[Upstream]) -> None:
        self.proxy, self.book, self.handler = proxy, proxy.book, handler

    def connection(self, service: str = "network") -> http.client.HTTPConnection:
        return http.client.HTTPConnection(urlsplit(self.proxy.address(service)).netloc, timeout=SOON)

    def call(self, method: str = "GET", path: str = "/v2.0/ports", body: bytes | None = None) -> Answer:
        connection = self.connection()
        connection.request(method, path, body, {"X-Auth-Token": "secret"})
        response = connection.getresponse()
        return Answer(response.status, response.read(), dict(response.getheaders()))

    @contextmanager
    def stream(self, path: str) -> Iterator[Stream]:
        """A watch of the Kubernetes API, as bytes arrive."""
        place = urlsplit(self.proxy.address("kubernetes"))
        with socket.create_connection((str(place.hostname), place.port or 80)) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {place.netloc}\r\n\r\n".encode())
            yield Stream(connection)

    def later(self, method: str = "GET") -> Future[Answer]:
        with_thread = ThreadPoolExecutor(1)
        future = with_thread.submit(self.call, method)
        with_thread.shutdown(wait=False)
        return future


@contextmanager
def an_upstream() -> Iterator[tuple[str, type[Upstream]]]:
    class Handler(Upstream):
        seen: ClassVar[list[tuple[str, str, bytes, str]]] = []
        lines: ClassVar[list[bytes]] = []

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", Handler
    finally:
        Handler.lines.append(b"end")
        server.shutdown()
        server.server_close()


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether something becomes true soon."""
    end = time.monotonic() + SOON
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return holds()
