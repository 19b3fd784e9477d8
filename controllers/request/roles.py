"""The roles there are, and what they consist of: the folder `playbooks/roles` is the list."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parents[2] / "playbooks"
BLOCKS = ("block", "rescue", "always")
NOT_FOR_SERVERS = {"desktop"}  # it needs a seat: whose desktop it is


@dataclass(frozen=True, slots=True)
class Playbooks:
    """The playbooks of this release, or others for a test."""

    folder: Path = FOLDER

    @property
    def site(self) -> Path:
        return self.folder / "site.yml"

    @property
    def settings(self) -> Path:
        return self.folder / "ansible.cfg"

    def names(self) -> tuple[str, ...]:
        """Every role that a request may name."""
        known = {path.parent.parent.name for path in self.folder.glob("roles/*/tasks/main.yml")}
        return tuple(sorted(known - NOT_FOR_SERVERS))

    def digest(self, roles: Sequence[str]) -> str:
        """Of the content that configures a guest with these roles: names and bytes of all files."""
        content = hashlib.sha256()
        for path in self._files(roles):
            content.update(
                f"{path.relative_to(self.folder)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode()
            )
        return content.hexdigest()

    def tasks(self, roles: Sequence[str]) -> int:
        """How many tasks a run begins, each role's check of its arguments among them; handlers come on top."""
        plays = yaml.safe_load(self.site.read_text("utf-8"))
        own = sum(len(play.get(section, ())) for play in plays for section in ("tasks", "post_tasks"))
        return own + sum(1 + sum(1 for _ in self._role_tasks(role, "main.yml")) for role in roles)

    def _files(self, roles: Sequence[str]) -> Iterator[Path]:
        yield self.site
        yield self.settings
        for role in sorted(roles):
            yield from sorted(path for path in (self.folder / "roles" / role).rglob("*") if path.is_file())

    def _role_tasks(self, role: str, file: str) -> Iterator[Any]:
        path = self.folder / "roles" / role / "tasks" / file
        yield from self._flat(role, yaml.safe_load(path.read_text("utf-8")) or [])

    def _flat(self, role: str, tasks: Sequence[dict[str, Any]]) -> Iterator[Any]:
        """Imported files are not tasks themselves, and neither are blocks: what is in them is."""
        for task in tasks:
            inner = [one for key in BLOCKS for one in task.get(key, ())]
            if "ansible.builtin.import_tasks" in task:
                yield from self._role_tasks(role, task["ansible.builtin.import_tasks"])
            elif inner:
                yield from self._flat(role, inner)
            else:
                yield task
