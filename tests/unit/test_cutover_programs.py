"""The programs that the plays of a cutover bring to hosts, run here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROLES = Path(__file__).parents[2] / "playbooks" / "cutover" / "roles"
FIT = ROLES / "preflight" / "files" / "fit.py"
FOLDER = ROLES / "copy_files" / "files" / "folder.py"
WRITERS = ROLES / "fence" / "files" / "writers.sh"


def said(*argv: object, text: str = "") -> str:
    done = subprocess.run([str(word) for word in argv], input=text, check=True, text=True, capture_output=True)
    return done.stdout


def a_host(major: int) -> dict[str, Any]:
    """One that lacks nothing; its PostgreSQL has the database `permits`."""
    postgres = {"major": major, "version": f"{major}.1", "free": 1 << 30, "extensions": []}
    return {"is_root": True, "system": "debian 12", "rsync": "3.2.7", "units": {}, "folders": {}, "free": {},
            "databases": {"permits": {"bytes": 1, "extensions": []}}, "postgres": postgres, "time": 0}  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "wanted", "problems"),
    [
        pytest.param(12, 12, {}, [], id="the oldest that is moved"),
        pytest.param(11, 15, {"old": 15}, [], id="an older one that is brought there first"),
        pytest.param(11, 15, {}, ["old: its PostgreSQL is 11.1, and only 12 or newer is moved: say in `postgresMajor` "
                                  "which it is to be brought to, or bring it there before"], id="an older one"),
        pytest.param(9, 11, {"old": 11}, ["old: its PostgreSQL is 9.1, and only 12 or newer is moved: say in "
                                          "`postgresMajor` which it is to be brought to, or bring it there before",
                                          "new: its PostgreSQL is 11.1, and only to 12 or newer is moved"],
                     id="older ones on both sides"),
    ],
)  # fmt: skip
def test_postgresql_is_new_enough_for_what_is_asked_of_it(
    old: int, new: int, wanted: dict[str, int], problems: list[str]
) -> None:
    """One before 12 is refused with the words that say what is allowed, unless it is upgraded first."""
    move = {"name": "permits", "database": "permits", "source": "old", "target": "new"}
    told = {"looks": {"old": a_host(old), "new": a_host(new)}, "clocks": {}, "files": [], "databases": [move],
            "majors": wanted}  # fmt: skip

    assert problems == json.loads(said(sys.executable, FIT, text=json.dumps(told)))["problems"]


def test_a_folder_behind_a_link_equals_what_it_leads_to(tmp_path: Path) -> None:
    """The link itself is no entry of it, whichever side has one."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "1.txt").write_text("permit 1")
    (tmp_path / "link").symlink_to("real")
    told = {name: said(sys.executable, FOLDER, "list", tmp_path / name) for name in ("real", "link")}

    assert told["real"] == told["link"]
    for name, other in (("real", "link"), ("link", "real")):
        assert 0 == json.loads(said(sys.executable, FOLDER, "compare", tmp_path / name, text=told[other]))["differ"]


def test_whoever_writes_below_a_folder_is_named(tmp_path: Path) -> None:
    """By a link or not, whatever signs its name has; who reads is not, nor is a folder that is not there."""
    real = tmp_path / "up[1]* loads"
    real.mkdir()
    (real / "read.txt").touch()
    (tmp_path / "link").symlink_to(real)
    asked = ("sh", WRITERS, tmp_path / "link", tmp_path / "no" / "such")

    with (real / "read.txt").open():
        assert "" == said(*asked)
    with (real / "written.txt").open("a"):
        assert f"{os.getpid()} {real}/written.txt\n" == said(*asked)
