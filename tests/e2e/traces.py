"""What the operator did, as the other side recorded it: the API server's audit log, OpenStack's access logs."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

from tests.e2e.story import Sandbox

WRITING = {"create", "update", "patch", "delete"}


def writes(sandbox: Sandbox) -> int:
    """Writes of the operator that the API server has recorded."""
    count = 0
    for line in _lines(sandbox.home / "logs" / "audit.log"):
        event = json.loads(line)
        if event["user"]["username"].endswith(":kunlun-operator") and event["stage"] == "ResponseComplete":
            count += event["verb"] in WRITING
    return count


def calls(sandbox: Sandbox) -> Counter[tuple[str, str]]:
    """Calls by the operator as OpenStack's own access logs have them, by method and path without version."""
    found: Counter[tuple[str, str]] = Counter()
    for log in (sandbox.home / "logs").glob("*-access.log"):
        for line in _lines(log):
            if match := re.search(r"\] (\w+) (/[^? ]*).*\"kunlun/", line):
                found[match[1], re.sub(r"^/v2\.[01]", "", match[2])] += 1
    return found


def _lines(log: Path) -> list[str]:
    """By newlines only: names in the log may hold other characters at which `splitlines` would cut, such as U+0085."""
    return [line for line in log.read_text(encoding="utf-8", errors="replace").split("\n") if line]


def changes(made: Counter[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those that are no reads and no logins."""
    return [call for call in made if call[0] != "GET" and not call[1].endswith("/auth/tokens")]
