"""What becomes of a document: the real API server decides first, and what it lets in the real planning plans.

Whatever is neither a refusal that helps nor a plan is a `Failure`.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

from controllers.api import API_VERSION
from controllers.api.stored import KINDS, PLANS, REQUESTS, SYSTEMS, TENANTS, ZONES
from controllers.api.zone import ZoneSpec
from controllers.cli.documents import Unreadable, read_documents
from controllers.cli.offline import judge, load_zones
from controllers.cli.planpage import plan_page
from controllers.cli.reading import Reading, verified
from controllers.cli.screen import screen
from tests.apiserver import ApiServer
from tests.generated.schema import rule_messages, spec_schema
from tests.unit.world import World, versioned

DEPARTMENT = "civil-affairs"
LONGEST_SECONDS = 5.0
LARGEST_OBJECT = 1024 * 1024  # etcd takes 1.5 MiB, with metadata and managed fields
STANDING = "generated-stands-here"  # a request that is there, to try statuses on
READ_OFFLINE = 4_000  # characters; pure YAML is slow, and says nothing more about larger files
# What an API server says when an expression or the server itself, not the document, is at fault.
UNHELPFUL = re.compile(
    r"panic|runtime error|internal error|no such (key|overload|attribute|field)|CEL|expression .* resulted in error"
    r"|failed expression|doc is missing path|cost limit|cost budget|nil pointer|goroutine|timed out",
    re.IGNORECASE,
)
REFUSING = {400, 403, 404, 409, 413, 415, 422}


class Failure(AssertionError):
    """Neither refused with a reason nor planned."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where the way of a document ended, and what was said there."""

    place: str
    message: str


class Counter:
    """Where requests are handed in: the API server for the clerk, then planning as the operator does it."""

    def __init__(self, clerk: Path, operator: Path, admin: Path) -> None:
        self.clerk, self.operator = ApiServer(clerk), ApiServer(operator)
        reader = ApiServer(admin)
        self._known = {kind.name: reader.objects(kind) for kind in (ZONES, TENANTS, SYSTEMS)}
        for zone in self._known[ZONES.name]:
            zone["status"]["volumes"] = True  # planned only, so no block storage has to be there
        self._loop = asyncio.new_event_loop()
        self._rules = {message.split("`")[0] or message for message in rule_messages(spec_schema("resourcerequests"))}

    def open(self, standing: Mapping[str, Any]) -> None:
        """Apply the request that statuses are tried on."""
        code, answer = self.clerk.call("POST", _path(REQUESTS.plural), json.dumps(standing))
        assert code in (201, 409), answer

    def close(self) -> None:
        """Take it away again."""
        self.clerk.call("DELETE", _path(f"{REQUESTS.plural}/{STANDING}"))
        self._loop.close()

    def verdict(self, text: str) -> Verdict:
        """Hand in one document. Raises Failure.

        Our own work is measured in CPU time, which a busy machine does not lengthen; the API server has a deadline.
        """
        began = time.process_time()
        found = self._verdict(text)
        seconds = time.process_time() - began
        if seconds > LONGEST_SECONDS:
            raise Failure(f"took {seconds:.1f} s of CPU: {found}")
        return found

    def _verdict(self, text: str) -> Verdict:
        code, answer = self.clerk.call("POST", _tried(REQUESTS.plural), text)
        offline = judged_offline(text)
        if code != 201:
            return self._refused(code, answer)
        found = self._planned(answer)
        generated_name = "generateName" in answer["metadata"]  # `plan -f` wants a name, just as `kubectl apply` does
        if found.place == "planned" and offline and not generated_name:
            raise Failure(f"planned here, but refused by `kunlun plan -f`: {offline}")
        return found

    def _refused(self, code: int, answer: Mapping[str, Any]) -> Verdict:
        message = str(answer.get("message", ""))
        if code not in REFUSING or not message.strip() or UNHELPFUL.search(message):
            raise Failure(f"HTTP {code}: {answer}")
        if code != 422:
            return Verdict({403: "admission policy", 400: "decoding", 413: "size"}.get(code, f"HTTP {code}"), message)
        causes = answer["details"].get("causes", ())
        if not causes or not all(cause.get("field") and cause.get("message") for cause in causes):
            raise Failure(f"a refusal without a place or a reason: {answer}")
        by_rule = any(rule in message for rule in self._rules)
        return Verdict("schema rules (CEL)" if by_rule else "schema", message)

    def _planned(self, admitted: Mapping[str, Any]) -> Verdict:
        world = self._world(admitted)
        name, namespace = admitted["metadata"]["name"], admitted["metadata"]["namespace"]
        self._loop.run_until_complete(world.turn(name))
        known = world.cache.get(REQUESTS, namespace, name)
        assert known is not None
        condition = next(item for item in known.status.conditions if item.status != "True")
        self._accepts_status(world.cluster.statuses[-1])
        if known.status.plan is None:
            if condition.type not in ("Validated", "Compliant", "Planned") or not condition.message:
                raise Failure(f"neither refused nor planned: {condition}")
            return Verdict({"Validated": "form", "Compliant": "policy"}.get(condition.type, "room"), condition.message)
        self._loop.run_until_complete(world.turn(name))
        if len(world.cluster.statuses) != 1:
            raise Failure(f"a second look changes the status: {world.cluster.statuses}")
        plan = world.cache.body(PLANS, namespace, known.status.plan)
        assert plan is not None
        self._accepts_plan(plan)
        return Verdict("planned", condition.message)

    def _world(self, admitted: Mapping[str, Any]) -> World:
        world = World()
        for kind in KINDS:
            for body in self._known.get(kind.name, ()):
                world.cache.keep(kind, body)
        world.cache.keep(REQUESTS, versioned(dict(admitted)))
        return world

    def _accepts_plan(self, plan: Mapping[str, Any]) -> None:
        """The API server takes the Plan, people can read it, and both see what was signed."""
        metadata = {key: plan["metadata"][key] for key in ("name", "namespace", "ownerReferences")}
        written = json.dumps({"apiVersion": API_VERSION, "kind": "Plan", "metadata": metadata, "spec": plan["spec"]})
        if len(written) > LARGEST_OBJECT:
            raise Failure(f"the Plan has {len(written)} characters")
        code, answer = self.operator.call("POST", _tried(PLANS.plural), written)
        if code != 201:
            raise Failure(f"the Plan is refused, HTTP {code}: {answer}")
        for part in plan_page(Reading(verified(answer), None, None, (), answer)):
            screen(StringIO()).print(part)

    def _accepts_status(self, status: Mapping[str, Any]) -> None:
        """The API server takes the status: it is tried on the request that stands there for it."""
        body = {"apiVersion": API_VERSION, "kind": REQUESTS.name, "metadata": {"name": STANDING}, "status": status}
        path = _tried(
            f"{REQUESTS.plural}/{STANDING}/status", "fieldManager=generated&force=true&fieldValidation=Strict"
        )
        code, answer = self.operator.call("PATCH", path, json.dumps(body), "application/apply-patch+yaml")
        if code != 200:
            raise Failure(f"the status is refused, HTTP {code}: {answer}; {str(status)[:2000]}")


def judged_offline(text: str) -> str:
    """What is wrong with the document by `kunlun plan -f`; empty when nothing is."""
    if len(text) > READ_OFFLINE:
        return ""
    try:
        documents = read_documents(BytesIO(text.encode(errors="replace")), "generated")
    except Unreadable as error:
        return str(error)
    return "; ".join(str(problem) for each in documents for problem in judge(each, _zones()).problems)


@cache
def _zones() -> Mapping[str, ZoneSpec]:
    return load_zones(None)


def _path(rest: str) -> str:
    return f"/apis/{API_VERSION}/namespaces/{DEPARTMENT}/{rest}"


def _tried(rest: str, query: str = "fieldValidation=Strict") -> str:
    """A server-side dry run: everything decides for real, and nothing stays."""
    return f"{_path(rest)}?dryRun=All&{query}"
