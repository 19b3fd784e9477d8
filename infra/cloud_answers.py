"""What OpenStack's answers mean: every status code becomes one error of the tree, once, here.

The codes are not uniform: quota is 409 `OverQuota` in Neutron, 403 in Nova and 413 in Cinder; a pool without
addresses is 409 `IpAddressGenerationFailure`. OpenStack's own sentence is kept, it is written for people.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from infra.errors import (
    CloudRefused,
    CloudUnavailable,
    CredentialsRejected,
    KunlunError,
    QuotaExceeded,
    RateLimited,
)

_DISOWNED = "Networking client is experiencing an unauthorized exception"
_POOL_TYPES = frozenset({"IpAddressGenerationFailure", "MacAddressGenerationFailure"})
_POOL_ADVICE = "; the pool is used up: delete what is not needed, or have the platform team give it another range"
_QUOTA_TYPES = _POOL_TYPES | {"OverQuota"}
_QUOTA_WORDS = re.compile(r"quota.*exceed|exceed.*quota", re.IGNORECASE | re.DOTALL)
_QUOTA_STATUSES = frozenset({403, 409, 413})
_QUOTA_RETRY_SECONDS = 30.0
_RETRY_SECONDS = 5.0
_SHORTEST_RETRY_AFTER_SECONDS = 1.0
_LONGEST_RETRY_AFTER_SECONDS = 300.0
_LONGEST_MESSAGE = 500


Answer = dict[str, Any]


class _Complete(Answer):
    """A field that OpenStack always sends and did not send makes it an unreadable one."""

    def __init__(self, content: Mapping[str, Any], unreadable: KunlunError) -> None:
        super().__init__(content)
        self._unreadable = unreadable

    def __missing__(self, key: str) -> Any:
        raise self._unreadable


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
    message = f"OpenStack refused {asked}: {text or _phrase(status)}"[:_LONGEST_MESSAGE]
    wait = _retry_after_seconds(headers)
    if status in _QUOTA_STATUSES and (kind in _QUOTA_TYPES or _QUOTA_WORDS.search(text)):
        advice = _POOL_ADVICE if kind in _POOL_TYPES else ""
        return QuotaExceeded(message + advice, retry_after_seconds=_QUOTA_RETRY_SECONDS)
    if status == HTTPStatus.TOO_MANY_REQUESTS or (status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE and wait is not None):
        return RateLimited(message, retry_after_seconds=wait or _RETRY_SECONDS)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or _DISOWNED in text:
        return CloudUnavailable(message, retry_after_seconds=wait or _RETRY_SECONDS)
    return _FOR_GOOD.get(status, CloudRefused)(message)


def disowns_token(response: Any) -> bool:
    """Whether another token may help. Nova believes a revoked one for minutes, and answers 400 if Neutron does not."""
    return response.status_code == HTTPStatus.UNAUTHORIZED or (
        response.status_code == HTTPStatus.BAD_REQUEST and _DISOWNED in _fault(fault_content(response))[1]
    )


def fault_content(response: Any) -> Any:
    """The body of a refusal, whatever it is; but no page of HTML, which a load balancer sends, and nobody can read."""
    try:
        return response.json()
    except ValueError:
        return "" if response.text.lstrip().startswith("<") else response.text


def readable(response: Any, asked: str, *, changes: bool) -> Answer:
    """The JSON object of a successful answer. Only a change may be answered with nothing.

    Anything else was cut off, or comes from something that is not OpenStack: CloudUnavailable, or for a change
    OutcomeUnknown. It MUST NOT pass for an empty answer: an empty list means that nothing exists.
    """
    kind = OutcomeUnknown if changes else CloudUnavailable
    unreadable = kind(f"OpenStack's answer to {asked} cannot be read")
    if changes and not response.content:
        return _Complete({}, unreadable)
    try:
        content = response.json()
    except ValueError:
        raise unreadable from None
    if not isinstance(content, dict):
        raise unreadable
    return _Complete(content, unreadable)


def items_of(answer: Answer, key: str, asked: str) -> list[Answer]:
    """The list under `key`; a page without it is no empty page."""
    items = answer[key]
    if not isinstance(items, list):
        raise CloudUnavailable(f"OpenStack's answer to {asked} has no list of {key}")
    return items


def next_page(answer: Mapping[str, Any], key: str) -> str | None:
    """The query of the page that follows: `<key>_links` in Nova, Neutron and Cinder, `next` in Glance."""
    links = [link.get("href") for link in answer.get(f"{key}_links") or [] if link.get("rel") == "next"]
    following = next(iter(links), None) or answer.get("next")
    return urlsplit(following).query if following else None


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


def _phrase(status: int) -> str:
    return next((known.phrase for known in HTTPStatus if known == status), f"HTTP {status}")


def _retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Both forms of Retry-After (RFC 9110 §10.2.3); a date is held against the answer's own Date. None: not said."""
    text = headers.get("Retry-After", "")
    try:
        wait = float(text) if text.isdigit() else _seconds_between(headers.get("Date", ""), text)
    except (TypeError, ValueError):
        return None
    return min(max(wait, _SHORTEST_RETRY_AFTER_SECONDS), _LONGEST_RETRY_AFTER_SECONDS)


def _seconds_between(earlier: str, later: str) -> float:
    return (parsedate_to_datetime(later) - parsedate_to_datetime(earlier)).total_seconds()
