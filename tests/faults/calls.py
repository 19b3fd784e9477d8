"""What passes through the proxy, as tests speak of it: service, method, collection."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

KUBERNETES = "kubernetes"
WATCH = "WATCH"
Kind = tuple[str, str, str]
"""Service, method and collection: what calls are counted by."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `method` is HTTP's, or WATCH for a Kubernetes stream; `began` is on the monotonic clock.

    `token` is OpenStack's, `cause` the id of what the call is for (`infra.correlation`).
    """

    service: str
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    began: float = field(default_factory=time.monotonic)
    token: str = ""
    cause: str = ""

    @property
    def collection(self) -> str:
        """`ports`, `servers/detail`, `resourcerequests/status`: words without ids, names and versions."""
        return (_kubernetes_words if self.service == KUBERNETES else _openstack_words)(self.path)

    @property
    def kind(self) -> Kind:
        return self.service, self.method, self.collection

    def content(self) -> Any:
        """The body, parsed; None when it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class Answer:
    """One response, whole."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


def _openstack_words(path: str) -> str:
    """`/network/v2.0/routers/<id>/add_router_interface` -> `routers/add_router_interface`."""
    parts = path.strip("/").split("/")
    versions = [place for place, part in enumerate(parts) if part[:1] == "v" and part[1:2].isdigit()]
    words = parts[versions[-1] + 1 :] if versions else parts
    return "/".join(word for word in words if not any(letter.isdigit() for letter in word))


def _kubernetes_words(path: str) -> str:
    """`/apis/GROUP/VERSION/namespaces/NS/plural/name/status` -> `plural/status` (API concepts, "Resource URIs")."""
    parts = path.strip("/").split("/")
    after_version = {"apis": 3, "api": 2}.get(parts[0], 0)
    words = parts[after_version:]
    if words[:1] == ["namespaces"] and len(words) > 2:
        words = words[2:]
    return "/".join(words[:1] + words[2:])
