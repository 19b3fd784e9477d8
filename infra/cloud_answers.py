"""What OpenStack's answers mean: every status code becomes one error of the tree, once, here.

The codes are not uniform: quota is 409 `OverQuota` in Neutron, 403 in Nova and 413 in Cinder; a pool without
addresses is 409 `IpAddressGenerationFailure`. OpenStack's own sentence is kept, it is written for people.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from infra.errors import (
    CloudRefused,
    CloudUnavailable,
    CredentialsRejected,
    KunlunError,
    QuotaExceeded,
    RateLimited,
)

_QUOTA_TYPES = frozenset({"OverQuota", "IpAddressGenerationFailure", "MacAddressGenerationFailure"})
_QUOTA_WORDS = re.compile(r"quota.*exceed|exceed.*quota", re.IGNORECASE | re.DOTALL)
_QUOTA_STATUSES = frozenset({403, 409, 413})
_LONGEST_RETRY_AFTER_SECONDS = 300.0
_LONGEST_MESSAGE = 500


class Absent(CloudRefused):
    """404: the object (or its parent) does not exist."""

    @property
    def reason(self) -> str:
        return CloudRefused.__name__


class Conflict(CloudRefused):
    """409 for another reason than quota: the object is in use or not in a state for this."""

    @property
    def reason(self) -> str:
        return CloudRefused.__name__


class OutcomeUnknown(CloudUnavailable):
    """The connection broke, or 5xx came, after a change was sent: it may or may not have happened."""

    @property
    def reason(self) -> str:
        return CloudUnavailable.__name__


_FOR_GOOD: Mapping[int, type[KunlunError]] = {
    401: CredentialsRejected,
    403: CredentialsRejected,
    404: Absent,
    409: Conflict,
}


def error_from_answer(status: int, body: Any, headers: Mapping[str, str], asked: str) -> KunlunError:
    """The error for an answer of 400 and above; `asked` is the call in words, such as "POST ports"."""
    kind, text = _fault(body)
    message = f"OpenStack refused {asked}: {text or HTTPStatus(status).phrase}"[:_LONGEST_MESSAGE]
    if status in _QUOTA_STATUSES and (kind in _QUOTA_TYPES or _QUOTA_WORDS.search(text)):
        return QuotaExceeded(message, retry_after_seconds=60.0)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimited(message, retry_after_seconds=_retry_after_seconds(headers))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return CloudUnavailable(message)
    return _FOR_GOOD.get(status, CloudRefused)(message)


def _fault(body: Any) -> tuple[str, str]:
    """(type, message) out of `{"NeutronError": {...}}`, `{"forbidden": {...}}`, `{"error": {...}}` or text."""
    if not isinstance(body, dict):
        return "", str(body or "")
    for fault in body.values():
        if isinstance(fault, dict) and "message" in fault:
            return str(fault.get("type", "")), str(fault["message"])
        if isinstance(fault, str) and len(body) == 1:
            return "", fault
    return "", ""


def _retry_after_seconds(headers: Mapping[str, str]) -> float:
    """Seconds only: the date form of Retry-After (RFC 9110 §10.2.3) is not sent by OpenStack."""
    text = headers.get("Retry-After", "")
    return min(float(text), _LONGEST_RETRY_AFTER_SECONDS) if text.isdigit() else 5.0
