"""How long the sandbox takes to start, of every kind, and what memory it costs: `python -m tests.bench.sandbox`.

Uses a folder of its own. `--cold` also measures a start without a seed, in a cache whose seeds are left out.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from infra.sandbox.health import sandbox_health
from infra.sandbox.layout import Layout, cache_folder


def command(home: Path, environ: Mapping[str, str], *words: str) -> float:
    """Seconds of one `kunlun sandbox` command, start of Python included."""
    began = time.monotonic()
    argv = [sys.executable, "-m", "controllers", "sandbox", *words, "--dir", str(home)]
    subprocess.run(argv, check=True, env=dict(environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - began


def starts(home: Path, environ: Mapping[str, str], first: str) -> dict[str, float]:
    """One start of each kind, in the order in which they happen to a person."""
    up = ("up", "--no-operator")
    found = {first: command(home, environ, *up), "running": command(home, environ, *up)}
    found["memory_mib"] = sum(each.memory_mib for each in sandbox_health(Layout(home)))
    found["down"] = command(home, environ, "down")
    found["warm"] = command(home, environ, *up)
    return found


def without_seeds(cache: Path, folder: Path) -> dict[str, str]:
    """An environment with a cache that has everything but seeds."""
    for name in ("toolchain", "services"):
        (folder / name).symlink_to(cache / name)
    return {**os.environ, "KUNLUN_CACHE": str(folder)}


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cold", action="store_true", help="also without a seed")
    chosen = parser.parse_args()
    found: dict[str, float] = {}
    for first in ("seed", "cold") if chosen.cold else ("seed",):
        with tempfile.TemporaryDirectory(prefix="kunlun-bench-") as folder:
            home, cache = Path(folder) / "sandbox", Path(folder) / "cache"
            cache.mkdir()
            environ = without_seeds(cache_folder(os.environ), cache) if first == "cold" else dict(os.environ)
            try:
                found |= starts(home, environ, first)
            finally:
                command(home, environ, "down", "--wipe")
    print(json.dumps({name: round(figure, 1) for name, figure in found.items()}, indent=1))


if __name__ == "__main__":
    main()
