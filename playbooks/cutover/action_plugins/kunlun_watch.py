"""A supervision: every caller asks again and again, and the first to be failed too often in a row ends it at once."""

from __future__ import annotations

import queue
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import action_loader

ASK = Path(__file__).parents[1] / "roles" / "watch" / "files" / "ask.py"
ANEW_SECONDS = 5.0
MOST_WORDS = 600  # of the last failure, in the sentence that ends it
Look = tuple[str, bool, str]  # by whom, whether it was answered well, and why not


class ActionModule(ActionBase):  # type: ignore[misc]
    """`callers` ask for `seconds`, every `every_seconds`, with `within_seconds` for an answer; `failures` in a row end
    it (0: never). Returns `looks`, `failures`, `in_a_row` (the most of any caller) and `given_up` with the last reason.

    It does not end in the middle of a row of failures, nor before each caller has looked. A caller's host that does not
    answer says nothing about the service: it is not a failure of it. If no caller has looked for long, or one of them
    not at all by the end, the supervision itself has failed.
    """

    TRANSFERS_FILES = False
    _VALID_ARGS = frozenset({"callers", "seconds", "every_seconds", "within_seconds", "failures"})

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        given, known = self._task.args, (task_vars or {})["hostvars"]
        every, within = float(given["every_seconds"]), float(given["within_seconds"])
        sessions = [Session(f"{one['host']} at {one['url']}", _argv(known[one["host"]], one["url"], every, within))
                    for one in given["callers"]]  # fmt: skip
        tally = Tally(int(given["failures"]), [session.who for session in sessions])
        patience, rows = max(60.0, 10 * (every + within)), tally.limit * (every + within)
        try:
            _look(sessions, tally, seconds=float(given["seconds"]), rows=rows, patience=patience)
        finally:
            for session in sessions:
                session.close()
        return {**result, "changed": False, **tally.told()}


class Tally:
    """What was seen so far."""

    def __init__(self, limit: int, callers: Sequence[str]) -> None:
        self.limit, self.looks, self.failed, self.longest, self.given_up = limit, 0, 0, 0, ""
        self._row: dict[str, int] = {}
        self.silent = set(callers)

    def take(self, look: Look) -> None:
        who, well, why = look
        self.looks += 1
        self.failed += not well
        self._row[who] = 0 if well else self._row.get(who, 0) + 1
        self.silent.discard(who)
        self.longest = max(self.longest, self._row[who])
        if 0 < self.limit <= self._row[who]:
            self.given_up = f"{who}: {why}"[:MOST_WORDS]

    def is_decided(self) -> bool:
        """Each has looked, and none is in the middle of a row that counts."""
        return not self.silent and not (self.limit and any(self._row.values()))

    def told(self) -> dict[str, Any]:
        """Under names that mean nothing to Ansible: a `failed` would be the task's own."""
        return {"looks": self.looks, "failures": self.failed, "in_a_row": self.longest, "given_up": self.given_up}


class Session:
    """One caller's host; begun anew while it is wanted and ends."""

    def __init__(self, who: str, argv: Sequence[str]) -> None:
        self.who, self.argv, self._wanted = who, argv, True
        self._process: subprocess.Popen[str] | None = None

    def feed(self, told: queue.Queue[Look]) -> None:
        while self._wanted:
            with ASK.open() as program:
                self._process = subprocess.Popen(
                    list(self.argv), stdin=program, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
                )
            for line in self._process.stdout or ():
                told.put((self.who, line.startswith("well"), line.strip()))
            self._process.wait()
            if self._wanted:
                threading.Event().wait(ANEW_SECONDS)

    def close(self) -> None:
        self._wanted = False
        if self._process is not None:
            self._process.kill()


def _look(sessions: Sequence[Session], tally: Tally, *, seconds: float, rows: float, patience: float) -> None:
    """Every look is taken, as it comes, until the time is over and it is decided, or it is given up.

    `rows` is how long a row of failures takes at most: whoever is in the middle of one for longer looks no more.
    """
    told: queue.Queue[Look] = queue.Queue()
    for session in sessions:
        threading.Thread(target=session.feed, args=(told,), daemon=True).start()
    last = time.monotonic()
    end = last + seconds
    while not tally.given_up and ((now := time.monotonic()) < end or not tally.is_decided()):
        if now - last > patience:
            raise AnsibleActionFail(f"no caller has looked for {patience:.0f} seconds")
        if now > end + rows + patience:
            break
        with suppress(queue.Empty):
            tally.take(told.get(timeout=1.0))
            last = time.monotonic()
    if tally.silent and not tally.given_up:
        raise AnsibleActionFail(f"never has looked: {', '.join(sorted(tally.silent))}")


def _argv(known: Mapping[str, Any], url: Any, every: float, within: float) -> list[str]:
    pipe = action_loader.get("kunlun_pipe", class_only=True)
    words = ["python3", "-", str(url), str(every), str(within)]
    argv: list[str] = pipe.ssh_argv(known, words)
    return argv
