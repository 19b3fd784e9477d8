"""What a killed operator leaves behind of a playbook's run."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from controllers.playbooks.runs import Runs
from tests.e2e.story import eventually

HANGING = """
import asyncio, sys
from pathlib import Path
from controllers.playbooks.runs import Job, Runs

async def hang(*_):
    await asyncio.sleep(600)

Runs._follow = hang
job = Job(Path("site.yml"), Path("ansible.cfg"), inventory=lambda pins: {}, pins="", deadline_seconds=1, forks=1)
asyncio.run(Runs(Path(sys.argv[1]), 1).run("uid", job, on_moment=print))
"""
PATIENCE_SECONDS = 30.0


def test_the_connections_of_a_killed_operator_go_and_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folders that SSH keeps connections in are not in the state folder: a socket's path is short."""
    places = tmp_path / "tmp"
    places.mkdir()
    killed = [
        subprocess.Popen([sys.executable, "-c", HANGING, state], env={**os.environ, "TMPDIR": str(places)})
        for state in (tmp_path / "ours", tmp_path / "theirs")
    ]
    try:
        began = eventually(lambda: len(list(places.iterdir())) == len(killed), PATIENCE_SECONDS)
    finally:
        for process in killed:
            process.kill()
            process.wait()
    monkeypatch.setattr(tempfile, "tempdir", str(places))
    left = []
    for state in ("ours", "theirs"):
        asyncio.run(Runs(tmp_path / state, 1).start())
        left.append(len(list(places.iterdir())))

    assert began
    assert [1, 0] == left
