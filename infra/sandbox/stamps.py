"""Stamps: what has been completed, written after success, so that a crash in the middle is simply done again."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from pathlib import Path

from infra.sandbox.layout import write_private

ONE_WRITER = threading.Lock()


@dataclass(frozen=True, slots=True)
class Stamps:
    """A small file of names and values."""

    path: Path

    def has(self, name: str, value: str) -> bool:
        """Whether the step was completed for exactly this value (a version, a digest)."""
        return self._read().get(name) == value

    def put(self, name: str, value: str) -> None:
        with ONE_WRITER:
            write_private(self.path, json.dumps({**self._read(), name: value}, indent=1))

    def _read(self) -> dict[str, str]:
        try:
            content = json.loads(self.path.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return {}
        return {str(name): str(value) for name, value in content.items()}
