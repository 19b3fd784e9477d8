"""A settled request costs nothing: no write, no engine, and only the observing lists."""

from __future__ import annotations

import json
import re
import time
from collections import Counter

from tests.e2e.operator_control import OperatorControl
from tests.e2e.story import Sandbox, a_story

QUIET_SECONDS = 12.0
OBSERVED = {"/networks", "/subnets", "/routers", "/ports", "/security-groups", "/servers/detail"}
CATALOGUE = {"/networks", "/subnetpools", "/images", "/flavors/detail", "/v3"}


def test_a_settled_request_costs_nothing_also_over_a_restart(sandbox: Sandbox, operator: OperatorControl) -> None:
    """The object keeps its version, nothing is written to either API, no engine runs."""
    with a_story(sandbox, "settled") as story:
        story.apply()
        story.approve()
        story.ready()
        time.sleep(2)
        version, writes, calls = story.read()["metadata"]["resourceVersion"], _writes(sandbox), _calls(sandbox)
        engines = 0
        for _ in range(2):
            end = time.monotonic() + QUIET_SECONDS
            while time.monotonic() < end:
                engines += len(operator.engines())
                time.sleep(0.2)
            operator.kill()
            operator.start()

        assert version == story.read()["metadata"]["resourceVersion"]
        assert writes == _writes(sandbox)
        assert 0 == engines
        made = _calls(sandbox) - calls
        assert [] == [call for call in made if call[0] != "GET" and not call[1].endswith("/auth/tokens")]
        assert {path for method, path in made if method == "GET"} <= OBSERVED | CATALOGUE


def _writes(sandbox: Sandbox) -> int:
    """Writes of the operator that the API server has recorded."""
    count = 0
    for line in (sandbox.home / "logs" / "audit.log").read_text().splitlines():
        event = json.loads(line)
        if event["user"]["username"].endswith(":kunlun-operator") and event["stage"] == "ResponseComplete":
            count += event["verb"] in {"create", "update", "patch", "delete"}
    return count


def _calls(sandbox: Sandbox) -> Counter[tuple[str, str]]:
    """Calls by the operator as OpenStack's own access logs have them, by method and path without version."""
    found: Counter[tuple[str, str]] = Counter()
    for log in (sandbox.home / "logs").glob("*-access.log"):
        for line in log.read_text().splitlines():
            if match := re.search(r"\] (\w+) (/[^? ]*).*\"kunlun/", line):
                found[match[1], re.sub(r"^/v2\.[01]", "", match[2])] += 1
    return found
