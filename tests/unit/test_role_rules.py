"""Which roles servers may name, and where."""

from __future__ import annotations

import pytest

from policies.evaluate import evaluate
from policies.rules import Circumstances
from tests.build import a_case, a_server, a_spec, a_zone


@pytest.mark.parametrize(
    ("case", "where", "what"),
    [
        pytest.param(
            a_case(a_spec(servers=[a_server(roles=["web", "database"])]), roles=("baseline", "web")),
            "spec.servers[0].roles[1]",
            "no role 'database'; allowed: baseline, web",
            id="unknown role",
        ),
        pytest.param(
            a_case(a_spec(servers=[a_server(roles=["web", "web"])]), roles=("web",)),
            "spec.servers[0].roles[1]",
            "role 'web' is listed twice",
            id="role listed twice",
        ),
        pytest.param(
            a_case(
                a_spec(servers=[a_server(roles=["web"])]), roles=("web",), zones={"extranet": a_zone(management=None)}
            ),
            "spec.servers[0].roles",
            "zone 'extranet' has no management network",
            id="role in a zone without management network",
        ),
    ],
)
def test_a_role_that_cannot_be_applied_is_refused(case: Circumstances, where: str, what: str) -> None:
    """The place of the fault, and what is allowed instead."""
    found = evaluate(case)

    assert [where] == [finding.where for finding in found]
    assert what in found[0].what
