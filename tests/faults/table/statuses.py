"""What people see of all objects of a kind, several times a second, over one connection."""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from controllers.api import GROUP, VERSION
from controllers.cluster import access_from_kubeconfig
from tests.e2e.story import NAMESPACE

LOOK_SECONDS = 0.25
REQUESTS = f"namespaces/{NAMESPACE}/resourcerequests"
ON_ITS_WAY = {"Building", "AwaitingServers", "Ready", "NotReached", "AwaitingApproval", "Planned", "Absent"}
FAILED_REMOVAL = re.compile(r"^([A-Z][A-Za-z]+): (.*)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Shown:
    """What `kubectl get rr` showed from a moment on."""

    at: float
    ready: bool
    reason: str
    message: str
    stalled: bool = False

    @property
    def is_failure(self) -> bool:
        """Whether it told the user that something does not work at the moment."""
        if self.reason == "Deleting":
            return FAILED_REMOVAL.match(self.message) is not None
        return self.reason not in ON_ITS_WAY

    @property
    def words(self) -> tuple[str, str]:
        """Reason and message; of a removal, the reason is in the message."""
        removal = FAILED_REMOVAL.match(self.message) if self.reason == "Deleting" else None
        return (removal[1], removal[2]) if removal else (self.reason, self.message)


def first_failure(history: Sequence[Shown], since: float, until: float) -> Shown | None:
    """The first failure shown in a stretch of time."""
    return next((shown for shown in history if since <= shown.at < until and shown.is_failure), None)


def shown_in(body: Mapping[str, Any], at: float) -> Shown:
    """The summary of an object's status."""
    status = body.get("status", {})
    conditions = {item["type"]: item for item in status.get("conditions", ())}
    ready = conditions.get("Ready", {})
    present = ready.get("observedGeneration") == body["metadata"]["generation"]
    settled = present and ready.get("status") == "True" and status.get("plan") == status.get("approvedPlan")
    return Shown(at, settled, ready.get("reason", "Absent"), ready.get("message", ""), "Stalled" in conditions)


@dataclass(slots=True)
class Statuses:
    """All objects of a collection, by name; use it as a context manager."""

    kubeconfig: Path
    collection: str = REQUESTS
    _objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    _histories: dict[str, list[Shown]] = field(default_factory=dict)
    _looks: int = 0
    _ending: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread = field(init=False)

    def __enter__(self) -> Statuses:
        self._thread = threading.Thread(target=self._watch, name="statuses", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()

    def read(self, name: str) -> dict[str, Any]:
        """The object at the last look; empty when there is none."""
        return self._objects.get(name, {})

    def history(self, name: str) -> list[Shown]:
        """Everything that was shown, once each."""
        return list(self._histories.get(name, ()))

    def looked_again(self) -> None:
        """Wait for a look that began after this question."""
        seen, end = self._looks, time.monotonic() + 30
        while self._looks < seen + 2 and time.monotonic() < end:
            time.sleep(LOOK_SECONDS / 2)

    def _watch(self) -> None:
        access = access_from_kubeconfig(self.kubeconfig)
        path = f"/apis/{GROUP}/{VERSION}/{self.collection}"
        connection = http.client.HTTPSConnection(urlsplit(access.server).netloc, context=access.tls, timeout=10)
        while not self._ending.wait(LOOK_SECONDS):
            try:
                connection.request("GET", path, headers=access.headers())
                answer = connection.getresponse()
                content = json.loads(answer.read())
            except (OSError, http.client.HTTPException, ValueError):
                connection.close()
                continue
            if "items" in content:
                self._note(content["items"])

    def _note(self, items: Sequence[dict[str, Any]]) -> None:
        now = time.monotonic()
        for item in items:
            history = self._histories.setdefault(item["metadata"]["name"], [])
            shown = shown_in(item, now)
            if not history or replace(history[-1], at=now) != shown:
                history.append(shown)
        self._objects = {item["metadata"]["name"]: item for item in items}
        self._looks += 1
