"""What a playbook's run tells while it goes on, and what it amounts to in the end. Pure.

A moment names tasks, roles and hosts, never what a module was given or answered: there a secret could be. The only
module that may speak is the one that writes journals of cutovers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from controllers.api.recap import MOST_CHANGES, NAME_LENGTH, GuestChanges, Recap
from infra.errors import GuestUnreachable, KunlunError, PlaybookFailed
from infra.wire import WireModel

SHOWN = 5
REACHING = "wait_for_connection"  # the first task: whoever fails there does not answer
UNREACHABLE_SECONDS = 10.0

FOREIGN = "Host key verification failed"  # ssh's own words
TELLING = "kunlun_step"  # the one module whose answer is passed on: what it says is made for the journal
What = Literal["task", "failed", "unreachable", "foreign", "changes", "told", "end"]


class Moment(WireModel):
    """One line between the run and the operator. `ended` is the runner's own word for how it ended."""

    what: What
    task: str = ""
    role: str = ""
    host: str = ""
    changes: int = 0
    ended: str = ""
    measured: Mapping[str, str] = {}
    note: str = ""


def moment_from_event(event: Mapping[str, Any]) -> tuple[Moment, ...]:
    """The moments of one event of ansible-runner; most have none."""
    kind, told = event.get("event"), event.get("event_data") or {}
    names = {"task": str(told.get("task", ""))[:120], "role": str(told.get("role") or "")[:60]}
    host = str(told.get("host", ""))
    match kind:
        case "playbook_on_task_start" | "playbook_on_handler_task_start":
            return (Moment(what="task", **names),)
        case "runner_on_failed" if not told.get("ignore_errors"):
            reaching = str(told.get("task_action", "")).endswith(REACHING)
            return (Moment(what=_silence(told) if reaching else "failed", host=host, **names),)
        case "runner_on_ok" if told.get("task_action") == TELLING:
            return _told(told.get("res") or {})
        case "runner_on_unreachable":
            return (Moment(what=_silence(told), host=host, **names),)
        case "playbook_on_stats":
            changed: Mapping[str, int] = told.get("changed") or {}
            return tuple(Moment(what="changes", host=name, changes=count) for name, count in changed.items())
        case _:
            return ()


@dataclass(frozen=True, slots=True)
class Course:
    """How a run has gone so far. `total` is how many tasks its roles have; handlers come on top."""

    total: int
    done: int = 0
    step: str = ""
    failures: tuple[Moment, ...] = ()
    changes: Mapping[str, int] = field(default_factory=dict)
    ended: str = ""
    measured: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    def after(self, moment: Moment) -> Course:
        """With one more moment."""
        match moment.what:
            case "task":
                return replace(self, done=self.done + 1, step=place_of(moment))
            case "failed" | "unreachable" | "foreign":
                return replace(self, failures=(*self.failures, moment))
            case "changes":
                return replace(self, changes={**self.changes, moment.host: moment.changes})
            case "told":
                return replace(self, measured={**self.measured, **moment.measured}, note=moment.note or self.note)
            case "end":
                return replace(self, ended=moment.ended)

    @property
    def progress(self) -> tuple[int, int, str]:
        """Tasks begun, tasks in all, and the present one."""
        return self.done, max(self.total, self.done), self.step

    def recap(self, now: str, seconds: float) -> Recap:
        """What is kept of the run that has ended now."""
        changes = tuple(
            GuestChanges(guest=host[:NAME_LENGTH], changed=count)
            for host, count in sorted(self.changes.items())
            if count
        )
        return Recap(time=now, seconds=round(seconds), tasks=self.done, changes=changes[:MOST_CHANGES])

    def verdict(self) -> KunlunError | None:
        """Why it is not done, most telling first; None when it is."""
        failed = [one for one in self.failures if one.what == "failed"]
        if failed:
            return PlaybookFailed(f"{'; '.join(map(_failure, failed[:SHOWN]))}{_more(failed)}")
        if foreign := [one.host for one in self.failures if one.what == "foreign"]:
            what = f"not the host that was pinned: {', '.join(foreign[:SHOWN])}; nothing was sent there"
            return GuestUnreachable(what, retry_after_seconds=UNREACHABLE_SECONDS)
        if silent := [one for one in self.failures if one.what == "unreachable"]:
            hosts = ", ".join(dict.fromkeys(one.host for one in silent[:SHOWN]))
            return GuestUnreachable(
                f"no SSH session with {hosts}{_more(silent)}: no answer, or our key was refused",
                retry_after_seconds=UNREACHABLE_SECONDS,
            )
        if self.ended == "timeout":
            return PlaybookFailed(f"not done in time; the last task was {self.step or 'none'}")
        if self.ended != "successful":
            return PlaybookFailed(
                f"the playbook ended early ({self.ended or 'killed'}); after {self.step or 'no task'}"
            )
        return None


def _told(answer: Mapping[str, Any]) -> tuple[Moment, ...]:
    measured, note = answer.get("measured") or {}, str(answer.get("note") or "")
    if not measured and not note:
        return ()
    return (Moment(what="told", measured={str(key): str(value) for key, value in measured.items()}, note=note),)


def _silence(told: Mapping[str, Any]) -> What:
    return "foreign" if FOREIGN in str((told.get("res") or {}).get("msg", "")) else "unreachable"


def place_of(moment: Moment) -> str:
    """`web: Serve`, or the task alone outside a role."""
    return f"{moment.role}: {moment.task}" if moment.role else moment.task


def _failure(moment: Moment) -> str:
    role = f" of role '{moment.role}'" if moment.role else ""
    return f"task '{moment.task}'{role} failed on {moment.host}"


def _more(moments: list[Moment]) -> str:
    return f" and {len(moments) - SHOWN} more" if len(moments) > SHOWN else ""
