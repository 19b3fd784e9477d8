"""What pipelines read of an environment: states, the JSON form, the test report, the variables, the table."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import xmlschema

from controllers.api.stored import REQUESTS, stored
from controllers.cli.environment import EnvironmentReport, Standing, State, report_of, standing_of
from controllers.cli.get import schema
from controllers.cli.junit import Case, cases_of, junit_text
from controllers.cli.outputs import json_text, rows, variables
from tests.unit.cli_stage import a_condition, a_request

ROOT = Path(__file__).parents[2]
JUNIT = xmlschema.XMLSchema(Path(__file__).with_name("junit.xsd"))
STEPS = ("Validated", "Compliant", "Planned", "Approved", "Provisioned", "Configured")
CREATED, END = "2026-01-02T03:00:00Z", "2026-01-02T05:00:00Z"


def passed(*names: str, since: int = 0) -> list[dict[str, Any]]:
    """Steps that are reached, a second each."""
    return [
        a_condition(name, "True", name) | {"lastTransitionTime": f"2026-01-02T03:00:{since + number + 1:02}Z"}
        for number, name in enumerate(names)
    ]


def a_state(*conditions: dict[str, Any], **status: Any) -> Any:
    meta = {"creationTimestamp": CREATED} | status.pop("meta", {})
    return stored(REQUESTS, a_request(status={"conditions": list(conditions), "expiryTime": END, **status}, **meta))


READY = a_state(
    *passed(*STEPS, "Ready"),
    approvedPlan="permit-portal-0123456789",
    resources=[
        {"kind": "Server", "name": "server-web-0", "id": "s1", "address": "10.10.1.4"},
        {"kind": "FloatingIP", "name": "public-web-0", "id": "f1", "address": "198.51.100.7"},
    ],
)
PENDING = a_state(*passed("Validated", "Compliant", "Planned"), a_condition("Approved", "False", "AwaitingApproval"))


def stalled(reason: str) -> Any:
    step = a_condition("Provisioned", "False", reason, "no <valid> host\x1b[1m & more")
    return a_state(*passed(*STEPS[:4]), step, step | {"type": "Ready"}, step | {"type": "Stalled", "status": "True"})


def reported(request: Any, state: State | None = None) -> EnvironmentReport:
    standing = standing_of(request)
    return report_of(request, Standing(state or standing.state, standing.reason, standing.message))


REFUSED = EnvironmentReport(name="", state=State.REFUSED, reason="InvalidRequest", message="spec: is required")
EVERY_STATE = [
    reported(READY),
    reported(PENDING),
    reported(PENDING, State.TIMED_OUT),
    reported(stalled("ServerFault")),
    reported(a_state()),
    REFUSED,
]


@pytest.mark.parametrize(
    ("request_seen", "expected"),
    [
        (READY, State.READY),
        (PENDING, State.PENDING),
        (a_state(), State.PENDING),
        (stalled("PolicyViolated"), State.REFUSED),
        (stalled("Denied"), State.REFUSED),
        (stalled("InvalidRequest"), State.REFUSED),
        (stalled("ServerFault"), State.FAILED),
        (stalled("PlaybookFailed"), State.FAILED),
        (a_state(*passed(*STEPS, "Ready"), meta={"generation": 2}), State.PENDING),
        (a_state(*passed(*STEPS, "Ready"), meta={"deletionTimestamp": END}), State.REMOVING),
    ],
)
def test_a_state_says_whether_to_wait_and_who_has_to_act(request_seen: Any, expected: State) -> None:
    """Refused is for the one who asked or who decides, failed for the platform; an older generation says nothing."""
    assert expected == standing_of(request_seen).state


def test_the_json_is_as_published() -> None:
    """The schema in docs/ci is the one of this program (`kunlun get --schema`), and every state fits it."""
    published = (ROOT / "docs/ci/environments.schema.json").read_text(encoding="utf-8")
    document = json.loads(json_text(EVERY_STATE))
    jsonschema.Draft202012Validator.check_schema(json.loads(published))
    jsonschema.validate(document, json.loads(published))

    assert schema() == published
    assert {"name": "web-0", "address": "10.10.1.4", "publicAddress": "198.51.100.7"} == (
        document["environments"][0]["servers"][0]
    )
    assert (CREATED, END) == tuple(document["environments"][0][key] for key in ("createdTime", "expiryTime"))


def test_the_test_report_is_valid() -> None:
    """For every reader of JUnit reports, in every state, whatever is in a message."""
    text = junit_text(EVERY_STATE, hostname="runner-1", now=CREATED)

    assert [] == [str(error) for error in JUNIT.iter_errors(text)]
    assert [] == [str(error) for error in JUNIT.iter_errors(junit_text([], hostname="runner-1", now=CREATED))]
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (reported(READY), {}),
        (reported(PENDING), {"Approved": "skipped", "Provisioned": "skipped"}),
        (reported(PENDING, State.TIMED_OUT), {"Approved": "error", "Provisioned": "skipped"}),
        (reported(stalled("ServerFault")), {"Provisioned": "failure", "Configured": "skipped"}),
        (reported(READY, State.FAILED), {"Ready": "failure"}),
        (REFUSED, {"Asked": "failure", "Validated": "skipped"}),
    ],
    ids=["ready", "pending", "timed out", "failed", "changed by somebody else", "refused"],
)
def test_a_report_shows_the_step_that_was_not_reached(report: EnvironmentReport, expected: dict[str, str]) -> None:
    """One case fails, what comes after it was not tried."""
    troubles = {case.name: case.trouble for case in cases_of(report) if case.trouble}

    assert expected.items() <= troubles.items()
    assert set(expected.values()) == set(troubles.values())


def test_a_step_lasts_from_the_one_before() -> None:
    """A second each; the first counts from the creation."""
    cases = list(cases_of(reported(READY)))

    assert Case("Asked", 0.0) == cases[0]
    assert [1.0] * 7 == [case.seconds for case in cases[1:]]


def test_variables_need_no_quotes_and_are_read_by_a_shell(tmp_path: Path) -> None:
    """Some CI systems take quotes for a part of the value; a shell reads the same file."""
    found = dict(variables(reported(READY)))
    file = tmp_path / "environment.env"
    file.write_text("".join(f"{key}={value}\n" for key, value in found.items()), encoding="utf-8")
    script = f'set -eu; . "{file}"; echo "$KUNLUN_READY $KUNLUN_SERVERS $KUNLUN_SERVER_WEB_0 $KUNLUN_PUBLIC_WEB_0"'
    said = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True).stdout

    assert "true web-0 10.10.1.4 198.51.100.7\n" == said
    assert END == found["KUNLUN_EXPIRES"]
    assert {"KUNLUN_NAME", "KUNLUN_READY", "KUNLUN_STATE"} == dict(variables(REFUSED)).keys()


def test_the_table_says_how_long_it_lives() -> None:
    """And why it is not ready, if it is not."""
    now = datetime(2026, 1, 2, 3, 0, tzinfo=UTC)
    lines = list(rows([reported(READY), reported(stalled("ServerFault"))], now))

    assert ("permit-portal", "Ready", "extranet", "in 2h", "web-0 198.51.100.7", "") == lines[0]
    assert lines[1][-1].startswith("no <valid> host")
