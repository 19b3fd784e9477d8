"""What a tool is asked to build, and how it is run: in a folder and with an environment of its own."""

from __future__ import annotations

import ipaddress
import json
import os
import resource
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from openstack.config import OpenStackConfig

from infra.sandbox.commands import run
from infra.sandbox.layout import write_private
from tests.bench.stage import FIRST_HOST, PORTS_OPENED, Stage

CLOUD = "bench"
DEADLINE_SECONDS = 900.0
HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Order:
    """The standard request in words that every tool understands."""

    name: str
    servers: int
    uplink: str
    pool: str
    cidr: str
    gateway: str
    first: str
    last: str
    addresses: tuple[str, ...]
    flavor: str
    image: str
    source_nat: bool
    opened: tuple[int, ...] = PORTS_OPENED


def order_for(stage: Stage, name: str, servers: int) -> Order:
    """With a prefix of its own; everything by id, so that nothing has to be looked up by name."""
    prefix: ipaddress.IPv4Network = next(stage.free)
    return Order(
        name=name,
        servers=servers,
        uplink=stage.uplink_id,
        pool=stage.pool_id,
        cidr=str(prefix),
        gateway=str(prefix[1]),
        first=str(prefix[2]),
        last=str(prefix[5]),
        addresses=tuple(str(prefix[FIRST_HOST + number]) for number in range(servers)),
        flavor=stage.flavor.id,
        image=stage.image.id,
        source_nat=stage.source_nat,
    )


@dataclass(frozen=True, slots=True)
class Job:
    """One order given to a tool: its two commands, run in a folder that goes with the second."""

    folder: Path
    environment: Mapping[str, str]
    build: Sequence[object]
    remove: Sequence[object]

    def create(self) -> None:
        self._run(self.build)

    def delete(self) -> None:
        self._run(self.remove)
        shutil.rmtree(self.folder)

    def _run(self, argv: Sequence[object]) -> None:
        run(argv, env=self.environment, folder=self.folder, deadline_seconds=DEADLINE_SECONDS)


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool among those that are compared. `absent` says why it takes no part; empty if it does."""

    name: str
    agent: str
    absent: str
    stage: Stage
    commands: Callable[[Path, Order], tuple[Sequence[object], Sequence[object]]]
    environment: Mapping[str, str] = field(default_factory=dict)

    def cpu_seconds(self) -> float:
        """Of all commands that have ended: while a tool works, no other is run."""
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    def begin(self, name: str, servers: int) -> Job:
        """A folder with the order and the credential of the stage's project."""
        folder = Path(tempfile.mkdtemp(prefix=f"kunlun-{name}-"))
        order = order_for(self.stage, name, servers)
        write_private(folder / "clouds.yaml", json.dumps({"clouds": {CLOUD: credential(self.stage)}}))
        (folder / "order.json").write_text(json.dumps({"order": asdict(order)}))
        build, remove = self.commands(folder, order)
        return Job(folder, self._environment(folder), build, remove)

    def _environment(self, folder: Path) -> dict[str, str]:
        """Nothing of the caller's but where programs are."""
        known = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", "no_proxy": "127.0.0.1"}
        cloud = {"OS_CLIENT_CONFIG_FILE": str(folder / "clouds.yaml"), "OS_CLOUD": CLOUD}
        return {**known, **cloud, **self.environment}


def credential(stage: Stage) -> dict[str, object]:
    """The entry of clouds.yaml for the stage's project: the same user that the operator is."""
    known = OpenStackConfig(config_files=[str(stage.clouds_yaml)]).get_one(cloud=stage.cloud_name).config
    named = ("auth_url", "username", "password", "user_domain_id")
    auth = {key: known["auth"][key] for key in named} | {"project_id": stage.project.id}
    return {"auth": auth, "region_name": known["region_name"], "interface": "public", "identity_api_version": 3}
