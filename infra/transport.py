"""One HTTP exchange with OpenStack: announced, counted, and over when its time is.

requests bounds the wait for each byte, never the whole: an answer that drips, or a login followed by a call, would
hold a thread for many times the deadline. Here all exchanges of one piece of work end at one moment.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from keystoneauth1.session import TCPKeepAliveAdapter
from urllib3 import BaseHTTPResponse
from urllib3.exceptions import HTTPError

from infra.measures import CloudMeasures

T = TypeVar("T")

LOGIN = "auth/tokens"
_PIECE = 65536
IDENTITY = "identity"
_ends: ContextVar[float] = ContextVar("ends")
_service: ContextVar[str] = ContextVar("service", default=IDENTITY)


def ending_at(ends: float, work: Callable[[], T]) -> T:
    """Does the work in this thread; its exchanges fail with a timeout at `ends` (`time.monotonic`)."""
    token = _ends.set(ends)
    try:
        return work()
    finally:
        _ends.reset(token)


def asking(service: str, work: Callable[[], T]) -> T:
    """Does the work in this thread; its exchanges count as this service's, logins apart."""
    token = _service.set(service)
    try:
        return work()
    finally:
        _service.reset(token)


class Transport(TCPKeepAliveAdapter):
    """Everything really sent is counted, repetitions with a fresh token included.

    `before_change` is called directly before every request that is neither GET nor a login; if it raises, the
    request is not sent and the caller gets its error.
    """

    def __init__(self, connections: int, *, before_change: Callable[[], None], measures: CloudMeasures) -> None:
        self._measures = measures
        self._before_change = before_change
        super().__init__(pool_maxsize=connections)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        """Reads the whole answer, whether `stream` was wanted or not."""
        method, what = str(request.method), collection(urlsplit(str(request.url)).path)
        if method != "GET" and what != LOGIN:
            self._before_change()
        ends = _ends.get()
        with self._measures.call(IDENTITY if what in ("", LOGIN) else _service.get(), method, what) as answer:
            response = super().send(request, *args, **{**kwargs, "stream": True, "timeout": _left(ends)})
            response.raw = io.BytesIO(_body(response.raw, ends))
            answer.append(str(response.status_code))
        return response


def collection(path: str) -> str:
    """`/network/v2.0/routers/<id>/add_router_interface` -> `routers/add_router_interface`: words, without ids."""
    parts = path.partition("?")[0].strip("/").split("/")
    versions = [place for place, part in enumerate(parts) if is_version(part)]
    words = parts[versions[-1] + 1 :] if versions else parts
    return "/".join(word for word in words if word and not any(letter.isdigit() for letter in word))


def is_version(part: str) -> bool:
    return part[:1] == "v" and part[1:2].isdigit()


def _body(raw: BaseHTTPResponse, ends: float) -> bytes:
    pieces: list[bytes] = []
    try:
        while piece := raw.read1(_PIECE, decode_content=True):
            pieces.append(piece)
            _left(ends)
    except HTTPError as error:
        raise requests.ConnectionError(error) from error
    finally:
        raw.close()  # a connection whose answer was read to its end is in the pool again by now
    if raw.length_remaining:
        raise requests.ConnectionError("the answer was cut off")
    return b"".join(pieces)


def _left(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise requests.Timeout("the time for this is over")
    return left
