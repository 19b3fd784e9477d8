"""The same story as in the end-to-end tests, with what a run of the crash suite asks of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.e2e.story import Story


@dataclass(frozen=True, slots=True)
class WatchedStory(Story):
    """A request that is looked at several times a second."""

    def record(self, plan: str) -> list[dict[str, Any]]:
        """The lines of the record of decisions that are about a plan."""
        return list(self.look(f"decisions?fieldSelector=spec.plan%3D{plan}").get("items", ()))

    def is_ready(self) -> bool:
        """Ready, in its present generation, by its newest plan."""
        request = self.read()
        status = request.get("status", {})
        ready = [item for item in status.get("conditions", ()) if item["type"] == "Ready"]
        present = [item for item in ready if item.get("observedGeneration") == request["metadata"]["generation"]]
        return bool(present) and present[0]["status"] == "True" and status.get("plan") == status.get("approvedPlan")

    def told(self) -> str:
        """What the status says, in one line."""
        request = self.read()
        if not request:
            return "the request is gone"
        conditions = request.get("status", {}).get("conditions", ())
        return "; ".join(
            f"{item['type']}={item['status']} {item['reason']}: {item.get('message', '')}"
            for item in conditions
            if item["type"] in {"Provisioned", "Ready"}
        )
