"""The whole operator, from the officer's approval to `Ready`, and from the clerk's deletion until the request is gone.

Both are asked for, and seen, over open connections to the API server: how long a kubectl takes to start is not ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from controllers.api import API_VERSION
from tests.apiserver import ApiServer
from tests.bench.meter import CONTROL_PLANE, Meter
from tests.bench.stage import PORTS_OPENED, PREFIX_LENGTH
from tests.conftest import Sandbox
from tests.e2e.story import DECIDERS, NAMESPACE, Story, a_server, approval

FOLDER = f"/apis/{API_VERSION}/namespaces/{NAMESPACE}"
Event = dict[str, Any]


class WholeOperator:
    """The operator of a running sandbox."""

    name = "Kunlun"
    agent = "kunlun/"
    absent = ""

    def __init__(self, sandbox: Sandbox, meter: Meter) -> None:
        self._sandbox = sandbox
        self._meter = meter

    def cpu_seconds(self) -> float:
        """Of the operator and its engines, and of the API server and its store, which it works through."""
        return self._meter.program_cpu_seconds(CONTROL_PLANE)

    def begin(self, name: str, servers: int) -> Request:
        """Planned, approved by everybody but the last, and watched."""
        return Request(self._sandbox, name, servers)


class Request:
    """One request that waits for its last approval."""

    def __init__(self, sandbox: Sandbox, name: str, servers: int) -> None:
        self._story = Story(sandbox, name)
        self._story.apply(**standard_spec(servers))
        plan = self._story.planned()
        *before, last = [needed.stage for needed in self._story.plan(plan).stages]
        for stage in before:
            self._decide(plan, stage)
        self._approval = json.dumps(approval(plan, stage=last))
        self._officer = _warm(sandbox, DECIDERS[last])
        self._clerk = _warm(sandbox, "clerk")
        self._watch = ExitStack()
        self._events = self._watched(sandbox)

    def create(self) -> None:
        """The last approval is given; returns when the watch tells that the request is ready."""
        self._do(self._officer, "POST", "approvals", self._approval)
        self._until(_is_ready)

    def delete(self) -> None:
        """Returns when the watch tells that the request is gone."""
        self._do(self._clerk, "DELETE", f"resourcerequests/{self._story.name}")
        self._until(lambda event: event["type"] == "DELETED")
        self._watch.close()

    def _decide(self, plan: str, stage: str) -> None:
        done = self._story.decide(plan, DECIDERS[stage], stage=stage)
        assert done.returncode == 0, done.stderr

    def _watched(self, sandbox: Sandbox) -> Iterator[Event]:
        version = self._story.read()["metadata"]["resourceVersion"]
        query = f"watch=1&fieldSelector=metadata.name%3D{self._story.name}&resourceVersion={version}"
        server = ApiServer(sandbox.kubeconfig("clerk"))
        return self._watch.enter_context(server.watching(f"{FOLDER}/resourcerequests?{query}"))

    def _until(self, seen: Callable[[Event], bool]) -> None:
        for event in self._events:
            if seen(event):
                return
        raise AssertionError(f"the watch ended; {self._story.name} is {self._story.read().get('status')}")

    def _do(self, server: ApiServer, method: str, path: str, body: str | None = None) -> None:
        code, answer = server.call(method, f"{FOLDER}/{path}", body)
        assert code < 300, answer


def standard_spec(servers: int) -> dict[str, Any]:
    """The standard request as a department writes it."""
    ports = [f"tcp/{port}" for port in PORTS_OPENED]
    return {
        "networks": [{"name": "app", "prefixLength": PREFIX_LENGTH}],
        "servers": [a_server(count=servers)],
        "flows": [{"from": {"cidr": "10.10.200.0/24"}, "to": "web", "ports": ports, "purpose": "bench"}],
    }


def _warm(sandbox: Sandbox, persona: str) -> ApiServer:
    server = ApiServer(sandbox.kubeconfig(persona))
    server.call("GET", f"{FOLDER}/resourcerequests?limit=1")
    return server


def _is_ready(event: Event) -> bool:
    conditions = event["object"].get("status", {}).get("conditions", ())
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)
