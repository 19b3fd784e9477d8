"""First and last task of a step that is run by hand: ask the gate and write the journal, on the control node.

The operator has asked and written before it starts a playbook, and says so in `kunlun_begun`; then nothing is written
here, and what was measured is only passed on to it.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from controllers.api.cutoverstep import MOST_MEASURES
from controllers.api.cutoversteps import Event, Step
from controllers.api.times import FORM, later_by
from controllers.cli.cutoverhand import begin_by_hand, end_by_hand
from controllers.cli.kubectl import ClusterError, Kubectl
from controllers.cutover.runner import Begun

MOST_OF_A_NAME, MOST_OF_A_VALUE, MOST_OF_A_NOTE = 128, 256, 1024


class ActionModule(ActionBase):  # type: ignore[misc]
    """`step` and `seconds` to begin; `begun`, `event`, `measured`, `note` to end; both with where the cutover is."""

    TRANSFERS_FILES = False
    _VALID_ARGS = frozenset(
        {"cutover", "namespace", "kubeconfig", "step", "seconds", "begun", "event", "measured", "note"}
    )

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        given = self._task.args
        if told := (task_vars or {}).get("kunlun_begun"):
            return {**result, "changed": False, "begun": told, **_said(given)}
        kubectl = Kubectl(namespace=given.get("namespace"), kubeconfig=given.get("kubeconfig"))
        try:
            return {**result, "changed": True, "begun": self._written(kubectl, given), **_said(given)}
        except ClusterError as error:
            raise AnsibleActionFail(error.message) from error

    def _written(self, kubectl: Kubectl, given: dict[str, Any]) -> dict[str, Any]:
        if "begun" not in given:
            now = datetime.now(UTC).strftime(FORM)
            step, seconds = Step(given["step"]), float(given.get("seconds", 3600))
            begun = begin_by_hand(kubectl, given["cutover"], step, now=now, seconds=seconds)
            return {**asdict(begun), "step": begun.step.value, "until": later_by(now, seconds)}
        told = {name: value for name, value in given["begun"].items() if name != "until"}
        begun = Begun(**{**told, "step": Step(told["step"])})
        end_by_hand(kubectl, begun, Event(given["event"]), **_said(given))
        return dict(given["begun"])


def _said(given: dict[str, Any]) -> dict[str, Any]:
    """What the step has measured, as texts, and its sentence; no more than a line of the journal takes."""
    told = list((given.get("measured") or {}).items())[:MOST_MEASURES]
    measured = {_cut(name, MOST_OF_A_NAME): _cut(value, MOST_OF_A_VALUE) for name, value in told}
    return {"measured": measured, "note": _cut(given.get("note") or "", MOST_OF_A_NOTE)}


def _cut(words: Any, most: int) -> str:
    text = str(words)
    return text if len(text) <= most else f"{text[: most - 1]}…"
