"""One id for all calls to OpenStack that carry out one plan: found again in OpenStack's own logs, years later.

It is sent as `X-OpenStack-Request-ID`; services of OpenStack write a well-formed one into every line of that call as
the global request id, and hand it on to each other (oslo.middleware `request_id`, oslo.log `global_request_id`). It is
computed from what is carried out, so nobody has to keep it: whoever knows a plan's digest knows its calls.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "X-OpenStack-Request-ID"
_CALLS = uuid.uuid5(uuid.NAMESPACE_URL, "https://kunlun.cloud/calls")
_present: ContextVar[str | None] = ContextVar("call_id", default=None)


def call_id(cause: str) -> str:
    """Of everything done because of `cause`: a plan's digest, or the uid of a request to remove, a zone or a tenant."""
    return f"req-{uuid.uuid5(_CALLS, cause)}"


@contextmanager
def correlated(identity: str | None) -> Iterator[None]:
    """Calls made in the block, and by tasks begun in it, carry the id; None: they carry none."""
    token = _present.set(identity)
    try:
        yield
    finally:
        _present.reset(token)


def headers() -> dict[str, str]:
    """For a call that is made now."""
    identity = _present.get()
    return {HEADER: identity} if identity else {}


def present() -> str | None:
    """The id that a call made now would carry."""
    return _present.get()


def common(identities: Iterable[str | None]) -> str | None:
    """Of work that is done in one call: the id they share; None when they have different causes. Pure."""
    found = set(identities)
    return found.pop() if len(found) == 1 else None
