"""The API server over plain HTTP with a connection that stays open: ten thousand tries cannot each start a kubectl."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from controllers.api import API_VERSION
from controllers.api.stored import Kind
from controllers.cluster import access_from_kubeconfig

WATCH_SECONDS = 600.0  # of silence; a cloud may take its time
_OPEN = threading.local()


def kept_open(kubeconfig: Path) -> ApiServer:
    """The connection of this thread; a file that was written anew is another persona's, or another sandbox's."""
    known: dict[tuple[Path, int], ApiServer] = _OPEN.__dict__.setdefault("servers", {})
    key = (kubeconfig, kubeconfig.stat().st_mtime_ns)
    if key not in known:
        known[key] = ApiServer(kubeconfig)
    return known[key]


class ApiServer:
    """One connection of one persona, kept open."""

    def __init__(self, kubeconfig: Path) -> None:
        self._access = access_from_kubeconfig(kubeconfig)
        self._connection = self._connected()

    def call(self, method: str, path: str, body: str | None = None, media: str = "application/json") -> tuple[int, Any]:
        """(code, answer). A server that closes while it still reads has refused; it is asked once more."""
        headers = {"Content-Type": media, **self._access.headers()}
        for _ in range(2):
            try:
                self._connection.request(method, path, None if body is None else body.encode(errors="replace"), headers)
                reply = self._connection.getresponse()
                return reply.status, _read(reply.read())
            except (OSError, http.client.HTTPException):
                self._connection.close()
                self._connection = self._connected()
        return 413, {
            "message": "the connection was closed: the document is too large",
            "reason": "RequestEntityTooLarge",
        }

    @contextmanager
    def watching(self, path: str) -> Iterator[Iterator[dict[str, Any]]]:
        """The events of a watch; on entering, the API server is listening already.

        `path` is of a list, with its `resourceVersion` and `watch=1`. This connection is taken up by it.
        """
        self._connection.timeout = WATCH_SECONDS
        self._connection.request("GET", path, headers=self._access.headers())
        reply = self._connection.getresponse()
        assert reply.status == 200, reply.read()
        try:
            yield (json.loads(line) for line in iter(reply.readline, b""))
        finally:
            self._connection.close()

    def objects(self, kind: Kind[Any, Any]) -> list[dict[str, Any]]:
        code, answer = self.call("GET", f"/apis/{API_VERSION}/{kind.plural}")
        assert code == 200, answer
        return list(answer["items"])

    def _connected(self) -> http.client.HTTPSConnection:
        server = urlsplit(self._access.server)
        return http.client.HTTPSConnection(server.hostname or "", server.port, context=self._access.tls, timeout=30)


def _read(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return {"message": raw.decode(errors="replace")}
