"""Where things lie: the state folder of one sandbox, and the cache that all sandboxes of a user share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Layout:
    """The state folder. Its kubeconfigs and clouds.yaml are for people; `cloud` is what a seed can restore."""

    home: Path

    @property
    def kubeconfig(self) -> Path:
        return self.home / "kubeconfig"

    @property
    def operator_kubeconfig(self) -> Path:
        return self.home / "operator.kubeconfig"

    @property
    def broker_kubeconfig(self) -> Path:
        return self.home / "broker.kubeconfig"

    @property
    def users(self) -> Path:
        return self.home / "users"

    @property
    def clouds(self) -> Path:
        return self.home / "clouds.yaml"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def run(self) -> Path:
        """Process records, sockets and locks: worthless once nothing runs."""
        return self.home / "run"

    @property
    def etc(self) -> Path:
        """Generated configuration, rewritten at every start."""
        return self.home / "etc"

    @property
    def cluster(self) -> Path:
        """The control plane's own state: etcd, keys, certificates."""
        return self.home / "cluster"

    @property
    def cloud(self) -> Path:
        """OpenStack's own state: databases, keys, images, stamps. A seed is a pack of this folder."""
        return self.home / "cloud"

    @property
    def operator(self) -> Path:
        return self.home / "operator"

    @property
    def record(self) -> Path:
        return self.home / "sandbox.json"

    def log(self, program: str) -> Path:
        return self.logs / f"{program}.log"

    def ensure_folders(self) -> None:
        """Create the folders; only their owner may look inside, since they hold keys and passwords."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in (self.users, self.logs, self.run, self.etc, self.cluster, self.operator, self.run / "scratch"):
            folder.mkdir(exist_ok=True)


def cache_folder(environ: Mapping[str, str]) -> Path:
    """The cache outside any checkout: built programs, the services' environment, seeds."""
    if chosen := environ.get("KUNLUN_CACHE"):
        return Path(chosen).expanduser().resolve()
    base = environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "kunlun"


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for everything we start: without what would slow Python down or point it elsewhere.

    Servers live in folders that a person's PATH may lack.
    """
    unwanted = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    kept = {name: text for name, text in environ.items() if name not in unwanted and not name.startswith("OS_")}
    return {**kept, "PATH": ":".join([*filter(None, [environ.get("PATH")]), SYSTEM_PATH])}


def write_private(path: Path, text: str) -> None:
    """Replace a file at once and whole, readable by its owner only."""
    fresh = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
        out.write(text)
    fresh.replace(path)
