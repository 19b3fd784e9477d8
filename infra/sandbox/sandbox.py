"""The story of `kunlun sandbox`: up, down, reset. Each may be interrupted anywhere and run again."""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from infra.sandbox import toolchain
from infra.sandbox.cloud.environment import ensure_environment
from infra.sandbox.cloud.seed import end_abandoned, ensure_seed, restore, seed_path
from infra.sandbox.cloud.site import Site
from infra.sandbox.cloud.start import start_cloud
from infra.sandbox.cloud.zonefacts import read_zones
from infra.sandbox.cluster import Cluster
from infra.sandbox.controlplane import ControlPlane, Programs
from infra.sandbox.desktops import BROKER, Serving
from infra.sandbox.ending import OPERATOR, end_everything, end_one
from infra.sandbox.errors import SandboxFailed, failed_with_log
from infra.sandbox.graph import Say, Step, run_steps
from infra.sandbox.guests.body import ensure_key
from infra.sandbox.guests.places import Places, places_of
from infra.sandbox.guests.starting import Keeping
from infra.sandbox.layout import Layout, child_environment
from infra.sandbox.packages import CINDER_PACKAGES, DESKTOP_PACKAGES, PACKAGES, ensure_packages, ensure_root
from infra.sandbox.ports import Ports, reserved_ports
from infra.sandbox.processes import ProcessTable, Program
from infra.sandbox.record import Record, StartKind, ensure_ours, exclusive, read_record, write_record
from infra.sandbox.waiting import wait_until

# From the state folder and the path of the Pulumi program to the operator's command line.
OperatorCommand = Callable[[Layout, Path], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the sandbox shall hold. Paths, because nothing here knows the packages they belong to."""

    zones: Path
    manifests: Path
    cache: Path
    environ: Mapping[str, str]
    operator: OperatorCommand | None = None
    cinder: bool = False
    guests: bool = False
    broker: OperatorCommand | None = None


@dataclass(frozen=True, slots=True)
class Provisions:
    """Everything that comes from outside the state folder."""

    programs: Programs
    pulumi: Path
    venv: Path


def up(layout: Layout, wishes: Wishes, say: Say) -> Record:
    """Start what does not run and make what is missing; returns what `sandbox.json` now says."""
    began = time.monotonic()
    ensure_root()
    ensure_ours(layout)
    provisions = provide(wishes, say)
    layout.ensure_folders()
    with exclusive(layout):
        processes = ProcessTable(layout.run)
        alive = [name for name in processes.names() if processes.alive(name)]
        known = read_record(layout)
        with reserved_ports(wishes.cache / "ports", remembered=known.base, in_use=bool(alive)) as ports:
            record = replace(known, base=ports.base, cinder=known.cinder or wishes.cinder)
            record = replace(record, operator=wishes.operator is not None, guests=known.guests or wishes.guests)
            write_record(layout, record)
            kind = Start(layout, ports, wishes, provisions, record, say).run(alive)
            record = replace(record, starts={**record.starts, kind: round(time.monotonic() - began, 1)})
            write_record(layout, record)
    say(f"ready ({kind} start) after {record.starts[kind]:.1f} s")
    return record


def down(layout: Layout, cache: Path, say: Say) -> None:
    """End everything; the state stays. What a killed first start left running in the cache is ended too."""
    end_abandoned(cache, end_everything)
    if not layout.record.exists():
        say(f"there is no sandbox in {layout.home}")
        return
    ensure_root()
    layout.ensure_folders()
    with exclusive(layout):
        began = time.monotonic()
        count = end_everything(layout)
        shutil.rmtree(layout.run / "scratch", ignore_errors=True)
    say(f"ended {count} programs in {time.monotonic() - began:.1f} s")


def keep_guests(layout: Layout, environ: Mapping[str, str]) -> None:
    """Servers of the running sandbox have bodies from now on, after another `up` too."""
    keeping = keeping_of(layout)
    with exclusive(layout):
        write_record(layout, replace(read_record(layout), guests=True))
        keeping.start(child_environment(environ))


def serve_desktops(layout: Layout, wishes: Wishes, say: Say) -> None:
    """Desktops of the running sandbox open in browsers from now on, after another `up`, too; with guests."""
    keeping = keeping_of(layout)
    environ = child_environment(wishes.environ)
    ensure_packages(DESKTOP_PACKAGES, environ, say)
    kubectl = toolchain.ensure_tool(toolchain.KUBECTL, wishes.cache, environ, say)
    record = read_record(layout)
    if record.base is None or wishes.broker is None:
        raise SandboxFailed(f"there is no sandbox in {layout.home}: `kunlun sandbox up` starts one")
    ports = Ports(record.base)
    cluster = Cluster(layout, kubectl, f"https://127.0.0.1:{ports['apiserver']}", environ)
    with exclusive(layout):
        write_record(layout, replace(record, guests=True, desktops=True))
        keeping.end_keeper()  # so that new guests begin with the packages that there are now
        keeping.start(environ)
        Serving(layout, ports, cluster).start(wishes.broker(layout, Path()), environ)


def end_desktops(layout: Layout) -> None:
    """No desktop opens any more, after another `up` neither; guests stay."""
    ensure_root()
    with exclusive(layout):
        write_record(layout, replace(read_record(layout), desktops=False))
        end_one(ProcessTable(layout.run), BROKER)


def release_guests(layout: Layout) -> None:
    """Servers have no bodies any more, after another `up` neither."""
    keeping = keeping_of(layout)
    with exclusive(layout):
        write_record(layout, replace(read_record(layout), guests=False))
        keeping.end()


def keeping_of(layout: Layout) -> Keeping:
    """The guests of the sandbox in this folder. Raises SandboxFailed when there is none."""
    ensure_root()
    return Keeping(layout, places_of(layout))


def wipe(layout: Layout, cache: Path, say: Say) -> None:
    """End everything and forget it. Only a folder that holds a sandbox is removed."""
    down(layout, cache, say)
    if layout.record.exists():
        shutil.rmtree(layout.home)


def provide(wishes: Wishes, say: Say) -> Provisions:
    """Programs, packages and the services' environment: found, or made once."""
    environ, found = child_environment(wishes.environ), dict[str, Path]()
    packages = {**PACKAGES, **CINDER_PACKAGES} if wishes.cinder else PACKAGES

    def find(tool: toolchain.Tool) -> None:
        found[tool.name] = toolchain.ensure_tool(tool, wishes.cache, environ, say)

    def environment() -> None:
        found["venv"] = ensure_environment(wishes.cache, environ, say)

    steps = {tool.name: Step(partial(find, tool)) for tool in toolchain.TOOLS}
    steps["packages"] = Step(partial(ensure_packages, packages, environ, say))
    steps["services' environment"] = Step(environment)
    run_steps(steps, say)
    programs = Programs(
        etcd=found[toolchain.ETCD.name],
        apiserver=found[toolchain.APISERVER.name],
        controller_manager=found[toolchain.CONTROLLER_MANAGER.name],
        kubectl=found[toolchain.KUBECTL.name],
    )
    return Provisions(programs, found[toolchain.PULUMI.name], found["venv"])


@dataclass(frozen=True, slots=True)
class Start:
    """One start of one sandbox."""

    layout: Layout
    ports: Ports
    wishes: Wishes
    provisions: Provisions
    record: Record
    say: Say

    @property
    def environ(self) -> dict[str, str]:
        return child_environment(self.wishes.environ)

    @property
    def processes(self) -> ProcessTable:
        return ProcessTable(self.layout.run)

    @property
    def plane(self) -> ControlPlane:
        return ControlPlane(self.layout, self.ports, self.processes, self.provisions.programs, self.environ)

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.layout, self.provisions.programs.kubectl, self.plane.server, self.environ)

    def run(self, alive: Sequence[str]) -> StartKind:
        """Reach everything; says which kind of start it was."""
        new, seeded = not self.layout.cloud.exists(), seed_path(self.wishes.cache).exists()
        launched = len(alive)
        run_steps(self.steps(), self.say)
        if new:
            return "seed" if seeded else "cold"
        if not launched:
            return "warm"
        return "running" if set(alive) >= {*self.processes.names()} else "repair"

    def steps(self) -> dict[str, Step]:
        """The control plane and the cloud come up side by side; the operator needs both."""
        plane, cluster = self.plane, self.cluster
        steps = {
            "identities": Step(plane.write_identities),
            "etcd": Step(plane.start_etcd, ("identities",)),
            "kube-apiserver": Step(plane.start_apiserver, ("etcd",)),
            "kube-controller-manager": Step(plane.start_controllers, ("kube-apiserver",)),
            "kinds, zones, department": Step(
                partial(cluster.fill, self.wishes.manifests, self.wishes.zones), ("kube-apiserver",)
            ),
            "operator's token": Step(cluster.renew_operator_token, ("kinds, zones, department",)),
            "policies": Step(cluster.await_policies, ("kinds, zones, department",)),
            "cloud": Step(self.start_cloud),
        }
        if self.wishes.operator:
            before = ("operator's token", "policies", "cloud", "kube-controller-manager")
            steps["operator"] = Step(partial(self.start_operator, self.wishes.operator), before)
            steps["department's projects"] = Step(cluster.await_department, ("operator",))
        else:
            steps["no operator"] = Step(partial(end_one, self.processes, OPERATOR))
        if self.record.desktops and self.wishes.broker:
            serving = Serving(self.layout, self.ports, self.cluster)
            argv = self.wishes.broker(self.layout, self.provisions.pulumi)
            steps["broker"] = Step(partial(serving.start, argv, self.environ), ("kinds, zones, department",))
        if self.record.guests:
            keeping = Keeping(self.layout, Places(self.layout, self.ports.base))
            steps["guests"] = Step(partial(keeping.start, self.environ), ("cloud",))
        return steps

    def start_cloud(self) -> None:
        """The cloud of this sandbox; a new one begins with a seed."""
        if not self.layout.cloud.exists():
            seed = seed_path(self.wishes.cache)
            ensure_seed(seed, self.make_seed_state)
            restore(seed, self.layout)
        start_cloud(self.site(self.layout, self.ports, cinder=self.record.cinder), self.say)

    def make_seed_state(self, workshop: Layout) -> None:
        """A whole cloud, brought up and ended again in a folder of its own."""
        end_everything(workshop)
        shutil.rmtree(workshop.home, ignore_errors=True)
        workshop.ensure_folders()
        self.say("preparing databases (once)")
        with reserved_ports(self.wishes.cache / "ports", remembered=None, in_use=False) as ports:
            write_record(workshop, Record(base=ports.base))
            try:
                start_cloud(self.site(workshop, ports, cinder=False), lambda text: self.say(f"  {text}"))
            finally:
                end_everything(workshop)

    def site(self, layout: Layout, ports: Ports, *, cinder: bool) -> Site:
        zones = self.wishes.zones
        return Site(
            layout=layout,
            ports=ports,
            processes=ProcessTable(layout.run),
            venv=self.provisions.venv,
            zones=read_zones(zones),
            zones_digest=hashlib.sha256(zones.read_bytes()).hexdigest(),
            environ=self.environ,
            cinder=cinder,
        )

    def start_operator(self, command: OperatorCommand) -> None:
        """The operator runs; it says so itself by a file."""
        ready, log = self.layout.operator / "ready", self.layout.log(OPERATOR)
        ensure_key(Places(self.layout, self.ports.base).broker_key, "kunlun-sandbox-broker")
        if self.processes.alive(OPERATOR) is None:
            ready.unlink(missing_ok=True)
        argv = tuple(command(self.layout, self.provisions.pulumi))
        self.processes.launch(Program(OPERATOR, argv, log, self.environ, self.layout.home))

        def holds() -> bool:
            if self.processes.alive(OPERATOR) is None:
                raise failed_with_log("the operator ended while starting", log)
            return ready.exists()

        wait_until(f"the operator (log: {log})", holds, every_seconds=0.05)
