"""The suite ends what it has started, also when it is interrupted."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.conftest import REPOSITORY, START_SECONDS
from tests.e2e.story import eventually

END_SECONDS = 120.0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder for all temporary files of a suite; its path is short, because Unix sockets lie below it."""
    made = Path(tempfile.mkdtemp(prefix="k-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def test_an_interrupted_suite_leaves_nothing(folder: Path) -> None:
    """Ended in the middle of a run: no process, no sandbox, no file."""
    words = [sys.executable, "-m", "tests.crash", "--seeds", "1", "--lanes", "1", "--points", "post-unrecorded"]
    environ = {**os.environ, "TMPDIR": str(folder)}
    with subprocess.Popen(words, cwd=REPOSITORY, env=environ, start_new_session=True) as suite:
        try:
            assert eventually(lambda: bool([*folder.glob("kunlun-lane-*/operator-a/ready")]), START_SECONDS)
        finally:
            suite.terminate()
        ended = suite.wait(END_SECONDS)

    assert 0 != ended
    assert [] == _mentioning(folder)
    assert [] == list(folder.iterdir())


def _mentioning(folder: Path) -> list[str]:
    """Processes that work on anything in the folder."""
    found = []
    for process in psutil.process_iter():
        try:
            line = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if str(folder) in line:
            found.append(line)
    return found
