"""A settled request costs nothing: no write, no engine, and only the observing lists."""

from __future__ import annotations

import time

from tests.e2e.operator_control import OperatorControl
from tests.e2e.story import Sandbox, a_story, eventually
from tests.e2e.traces import calls, changes, writes

QUIET_SECONDS, REST_SECONDS = 12.0, 6.0
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


def is_at_rest(sandbox: Sandbox) -> bool:
    """Whether nothing was written for a while: zones and departments settle after their requests."""
    before = writes(sandbox)
    time.sleep(REST_SECONDS)
    return before == writes(sandbox)


def test_a_settled_request_costs_nothing_also_over_a_restart(sandbox: Sandbox, operator: OperatorControl) -> None:
    """The object keeps its version, nothing is written to either API, no engine runs."""
    with a_story(sandbox, "settled") as story:
        story.apply()
        story.approve()
        story.ready()
        assert eventually(lambda: is_at_rest(sandbox), pause_seconds=0)
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
