"""What our programs tell: one event a line, with fields, whoever said it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from controllers.cli import root

TELLING = """
import logging, sys, structlog
from controllers.cli.logs import log_events
log_events("info", sys.argv[1])
log = structlog.get_logger("kunlun")
structlog.contextvars.bind_contextvars(kind="ResourceRequest", name="permit-portal")
log.info("condition", reason="Ready", duration_seconds=0.5)
log.debug("not told")
logging.getLogger("kopf.objects").warning("a watch is %s", "slow")
try:
    raise ValueError("it broke")
except ValueError as error:
    log.error("reconcile failed", exc_info=error)
"""


def told(form: str) -> list[str]:
    """What a process writes to standard error."""
    argv = [sys.executable, "-c", TELLING, form]
    done = subprocess.run(argv, check=True, text=True, capture_output=True, timeout=60)
    assert "" == done.stdout
    return done.stderr.splitlines()


@pytest.mark.parametrize("form", ["json", "auto"])
def test_every_line_is_an_object_for_programs(form: str) -> None:
    """Lines of libraries and traces too; a pass's object is in its lines without being named in each."""
    condition, library, failure = (json.loads(line) for line in told(form))

    assert {"event": "condition", "level": "info", "kind": "ResourceRequest", "duration_seconds": 0.5}.items() <= (
        condition.items()
    )
    assert ("a watch is slow", "kopf.objects") == (library["event"], library["logger"])
    assert "ValueError: it broke" in failure["exception"]
    assert all(line["timestamp"].endswith("Z") for line in (condition, library, failure))


def test_people_read_keys_and_values() -> None:
    """The default; every line begins with its time."""
    lines = told("logfmt")

    assert "level=info event=condition reason=Ready duration_seconds=0.5" in lines[0]
    assert {"kind=ResourceRequest", "name=permit-portal"} <= set(lines[0].split())
    assert 'level=warning event="a watch is slow" logger=kopf.objects' in lines[1]
    assert all(line.startswith("timestamp=") for line in lines[:2])


@pytest.mark.parametrize("address", ["9470", "::1:9470", ":9470", "127.0.0.1:0", "127.0.0.1:65536", "host:metrics"])
def test_an_address_that_is_none_is_a_usage_error(address: str) -> None:
    """Exit code 2, before anything starts."""
    result = CliRunner().invoke(root, ["run", "--cloud", "c", "--metrics-address", address])

    assert 2 == result.exit_code
    assert "--metrics-address" in result.output
