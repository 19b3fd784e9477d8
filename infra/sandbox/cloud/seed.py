"""Seeds: the state of a cloud after its migrations and fixtures, packed once and unpacked for every new sandbox.

A seed is made in a folder of its own in the cache: a whole cloud is started there, ended and packed. So a
sandbox never holds half-finished migrations, and killing the making of a seed costs nothing but the attempt.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

from infra.sandbox.cloud.environment import REQUIREMENTS
from infra.sandbox.commands import run
from infra.sandbox.layout import SYSTEM_PATH, Layout
from infra.sandbox.ports import locked

HERE = Path(__file__).parent
SEEDING = (
    "catalog", "databases", "fixtures", "glance", "keystone", "neutron", "nova", "ovn", "placement", "zones",
)  # fmt: skip
# What a seed's content depends on; another zones.yaml is brought in on top of a seed.
SOURCES = (
    REQUIREMENTS,
    *(HERE / f"{name}.py" for name in SEEDING),
)


def seed_path(cache: Path) -> Path:
    """The seed that fits this code, these service versions and these system packages; it may not exist yet."""
    digest = hashlib.sha256()
    for source in SOURCES:
        digest.update(source.read_bytes())
    for program in ("mariadbd", "ovsdb-server"):
        digest.update(run([program, "--version"], env={"PATH": SYSTEM_PATH}).encode())
    return cache / "seeds" / f"{digest.hexdigest()[:16]}.tar.gz"


def ensure_seed(seed: Path, make: Callable[[Layout], None]) -> bool:
    """Make the seed unless it exists; True when it was made now. Whoever comes second waits for the first."""
    if seed.exists():
        return False
    seed.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (seed.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if seed.exists():
            return False
        workshop = Layout(seed.parent / "making")
        make(workshop)
        pack(workshop, seed)
        shutil.rmtree(workshop.home)
    return True


def end_abandoned(cache: Path, end: Callable[[Layout], object]) -> None:
    """End and remove a making that nobody waits for any more; one in progress is left alone."""
    workshop = Layout(cache / "seeds" / "making")
    if not workshop.home.exists():
        return
    with (cache / "seeds" / ".lock").open("w") as lock:
        if locked(lock.fileno()):
            end(workshop)
            shutil.rmtree(workshop.home, ignore_errors=True)


def pack(workshop: Layout, seed: Path) -> None:
    """The seed appears whole or not at all, readable by its owner only: it holds the cloud's password."""
    fresh = seed.with_suffix(".new")
    with tarfile.open(fresh, "w:gz", compresslevel=4) as archive:
        archive.add(workshop.cloud, "cloud")
    fresh.chmod(0o600)
    fresh.replace(seed)


def restore(seed: Path, layout: Layout) -> None:
    """Unpack into a new sandbox; a restore that was interrupted leaves nothing that counts."""
    fresh = layout.home / "cloud.new"
    shutil.rmtree(fresh, ignore_errors=True)
    with tarfile.open(seed) as archive:
        # Our own archive. Python's later patch releases want to be told so; Debian's 3.11.2 knows no filters yet.
        if hasattr(tarfile, "tar_filter"):
            archive.extraction_filter = tarfile.tar_filter
        archive.extractall(fresh)
    (fresh / "cloud").rename(layout.cloud)
    fresh.rmdir()
