"""A settled request costs nothing: no write, no engine, and only the observing lists."""

from __future__ import annotations

import json
import time
from collections import Counter

from tests.e2e.operator_control import OperatorControl
from tests.e2e.scrapes import Figures, ask, scrape
from tests.e2e.story import Sandbox, a_story, eventually
from tests.e2e.traces import calls, changes, writes

QUIET_SECONDS, REST_SECONDS = 12.0, 6.0
AUDITED_SECONDS = 330.0  # an interval, and some patience
KINDS = ("tenants", "zones")
OBSERVED = {
    "/networks",
    "/subnets",
    "/routers",
    "/ports",
    "/security-groups",
    "/address-groups",
    "/floatingips",
    "/servers/detail",
}
READERS = {"/v3/role_assignments"}
CATALOGUE = {"/networks", "/subnetpools", "/images", "/flavors/detail", "/v3"}


def is_audited(sandbox: Sandbox) -> bool:
    """Whether every zone tells of all its projects: each is looked at in its turn, a new one within an interval."""
    tenants, zones = (json.loads(sandbox.kubectl("provider", "get", kind, "-o", "json").stdout) for kind in KINDS)
    there = Counter(one["zone"] for item in tenants["items"] for one in item.get("status", {}).get("projects", ()))
    told = {
        item["metadata"]["name"]: condition["message"]
        for item in zones["items"]
        for condition in item.get("status", {}).get("conditions", ())
        if condition["type"] == "Contained"
    }
    return all(told.get(zone) == f"nothing leads out of the zone: {count} projects" for zone, count in there.items())


def is_at_rest(sandbox: Sandbox) -> bool:
    """Whether nothing was written for a while: zones and departments settle after their requests."""
    before = writes(sandbox)
    time.sleep(REST_SECONDS)
    return before == writes(sandbox)


def tell_what_was_done(before: Figures, after: Figures, sandbox: Sandbox, asked: Counter[tuple[str, str]]) -> None:
    """The operator's own figures say what was built, and agree with what OpenStack recorded."""

    def more(name: str, **labels: str) -> float:
        return after.sum(name, **labels) - before.sum(name, **labels)

    made = calls(sandbox) - asked
    ports = sum(count for (method, path), count in made.items() if (method, path) == ("POST", "/ports"))
    assert ports == more("kunlun_openstack_calls_total", service="network", method="POST", collection="ports")
    assert 1 == more("kunlun_engine_runs_total", operation="up", result="Succeeded")
    assert 1 == more("kunlun_objects", kind="ResourceRequest", condition="Ready", reason="Ready")
    assert 0 < more("kunlun_steps_total", step="Approved", reason="AwaitingApproval")
    assert 0 < more("kunlun_kubernetes_calls_total", verb="create", kind="plans", code="201")
    assert 0 == more("kunlun_passes_total", result="InternalError")
    assert 0 < after.sum("kunlun_kubernetes_calls_total", verb="watch", kind="approvals", code="200")
    assert 1 == after.sum("kunlun_leading")
    assert (200, "every watch is heard of\n") == ask(sandbox, "/livez")
    assert (200, "leads\n") == ask(sandbox, "/readyz")


def test_a_settled_request_costs_nothing_also_over_a_restart(sandbox: Sandbox, operator: OperatorControl) -> None:
    """The object keeps its version, nothing is written to either API, no engine runs."""
    with a_story(sandbox, "settled") as story:
        before, asked = scrape(sandbox), calls(sandbox)
        story.apply()
        story.approve()
        story.ready()
        assert eventually(lambda: is_audited(sandbox), AUDITED_SECONDS)
        assert eventually(lambda: is_at_rest(sandbox), pause_seconds=0)
        tell_what_was_done(before, scrape(sandbox), sandbox, asked)
        version, written, called = story.read()["metadata"]["resourceVersion"], writes(sandbox), calls(sandbox)
        engines = 0
        for _ in range(2):
            end = time.monotonic() + QUIET_SECONDS
            while time.monotonic() < end:
                engines += len(operator.engines())
                time.sleep(0.2)
            operator.kill()
            operator.start()

        assert version == story.read()["metadata"]["resourceVersion"]
        assert written == writes(sandbox)
        assert 0 == engines
        made = calls(sandbox) - called
        assert [] == changes(made)
        assert {path for method, path in made if method == "GET"} <= OBSERVED | CATALOGUE | READERS
