"""The engine's state file of one request: a cache that is kept only while it is true.

True means: every object it records was observed with the same id, the same logical inputs and the same marker, it
records every object the plan removes, and none the plan neither keeps nor removes. On any doubt, a crash's
leftovers included, it is thrown away; the next run then adopts what exists. So a stale, emptied, truncated or
foreign state cannot cause an effect.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from infra.engine.leftovers import break_locks
from infra.provider.kinds import BY_PULUMI_TYPE
from infra.provider.observed import Identity, Observed
from infra.provider.resource import Names, marker_text
from infra.provider.servicer import logical_inputs

PROJECT = "kunlun"
LAYOUT = "version: 1\n"  # as pulumi 3.259 writes it (pkg/backend/diy/meta.go)


def ensure_backend(folder: Path) -> None:
    """The engine's file backend, empty at first. A layout file that was cut short would stop every run for ever."""
    backend = folder / "backend" / ".pulumi"
    (backend / "stacks" / PROJECT).mkdir(parents=True, exist_ok=True)
    layout = backend / "meta.yaml"
    if not layout.exists() or layout.read_text(encoding="utf-8", errors="replace") != LAYOUT:
        _replace(layout, LAYOUT)


def known_stacks(folder: Path) -> set[str]:
    """The uids of which there is a state or a lock."""
    backend = folder / "backend" / ".pulumi"
    states = {file.name.partition(".")[0] for file in (backend / "stacks" / PROJECT).glob("*.json*")}
    return states | {file.name for file in (backend / "locks" / "organization" / PROJECT).glob("*")}


class StackState:
    """Files of one stack in the engine's file backend. Use it only while no run of the stack is going on."""

    def __init__(self, folder: Path, uid: str) -> None:
        self._folder, self._uid = folder, uid
        backend = folder / "backend" / ".pulumi"
        self._file = backend / "stacks" / PROJECT / f"{uid}.json"
        self._locks = backend / "locks" / "organization" / PROJECT / uid
        self._history = backend / "history" / PROJECT / uid

    def unlock(self) -> None:
        """Removes the locks of runs that were killed, and ends those that were not. Raises StackLocked on any doubt."""
        break_locks(self._locks, self._folder, self._uid)

    def blank(self) -> None:
        """An existing, empty stack."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        _replace(self._file, "{}")

    def prune(self) -> None:
        """The history and the copy nobody reads."""
        shutil.rmtree(self._history, ignore_errors=True)
        self._file.with_suffix(".json.bak").unlink(missing_ok=True)

    def drop(self) -> None:
        """Forgets the stack altogether."""
        shutil.rmtree(self._locks, ignore_errors=True)
        self.prune()
        for file in self._file.parent.glob(f"{self._file.name}*"):
            file.unlink(missing_ok=True)

    def is_true(self, observed: Observed, sealed_key: str) -> bool:
        """Whether every record equals an observed object and the state can be opened with our key."""
        deployment = self._deployment()
        if deployment is None or deployment.get("pending_operations"):
            return False
        sealed_by = (deployment.get("secrets_providers") or {}).get("state") or {}
        if sealed_by.get("encryptedkey", sealed_key) != sealed_key:
            return False
        names = _names(observed)
        return all(_is_true(record, observed, names) for record in _records(deployment))

    def covers(self, observed: Observed, kept: Collection[Identity], removed: Collection[Identity]) -> bool:
        """Whether it records all observed removals, and nothing but what the plan keeps or removes."""
        recorded = {record.get("id") for record in _records(self._deployment() or {})}
        identities = {found.identity for found in observed.objects if found.id in recorded}
        unrecorded = {found.identity for found in observed.objects if found.id not in recorded}
        return identities <= {*kept, *removed} and not unrecorded & {*removed}

    def _deployment(self) -> dict[str, Any] | None:
        try:
            latest = json.loads(self._file.read_text()).get("checkpoint", {}).get("latest") or {}
        except (OSError, ValueError, AttributeError):
            return None
        return latest if isinstance(latest, dict) else None


def _replace(file: Path, text: str) -> None:
    """Whole or not at all."""
    fresh = file.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.replace(file)


def _records(deployment: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The records of real objects: components and providers have no counterpart in the cloud."""
    for record in deployment.get("resources") or []:
        if record.get("custom") and not record["type"].startswith("pulumi:"):
            yield record


def _is_true(record: dict[str, Any], observed: Observed, names: Names) -> bool:
    found = observed.by_id.get(record.get("id", ""))
    resource = BY_PULUMI_TYPE.get(record["type"])
    if found is None or found.twin or resource is None or record.get("delete") or record.get("pendingReplacement"):
        return False
    inputs, text = logical_inputs(resource, record.get("inputs") or {}, names)
    same_object = resource.kind is found.kind and record["urn"].rsplit("::", 1)[-1] == found.name
    return same_object and inputs == found.inputs and text in (None, marker_text(found.raw))


def _names(observed: Observed) -> Names:
    names = Names(observed.routers)
    for found in observed.objects:
        names.record(found.name, found.id)
    return names
