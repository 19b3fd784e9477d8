"""A thousand requests on a real API server and a real OpenStack: memory, time, fairness, and what a restart costs.

    python -m tests.bench.scale [--requests 1000] [--departments 20] [--batch 50] [--keep DIR]

Every request is the smallest that is real: a router on the uplink, a network, a subnet, the interface between. The last
`--batch` of them are approved at the same moment and timed, beside the best parallel script doing the same. A sandbox
that is kept is used again: what exists is not built again, and what was interrupted goes on.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

from openstack.config import OpenStackConfig
from openstack.connection import Connection

from tests.bench.crowd import BACKGROUND, BATCH, ZONE, Crowd
from tests.bench.ledger import Ledger
from tests.bench.peer import Peer
from tests.bench.stage import a_stage, arguments
from tests.conftest import Sandbox

UPLINK_ROOM = "10.10.240.0/20"  # of the extranet's own prefix: the sandbox's uplink has addresses for 250 routers
POLL_SECONDS, BATCH_POLL_SECONDS = 5.0, 0.5
STALLED_SECONDS = 900
IDLE_SECONDS = 60.0
OBSERVE_SECONDS = 300.0  # the operator's interval: in one of them every project has its turn once
MEMORY_LIMIT_MIB, LAST_TO_MEDIAN_LIMIT, THROUGHPUT_TARGET = 300, 3.0, 0.9


@dataclass(slots=True)
class Table:
    """The figures, each beside what it is measured against."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, name: str, figure: str, against: str = "") -> None:
        self.rows.append((name, figure, against))
        print(f"  {name:44} {figure:>28}   {against}", flush=True)


def main() -> None:
    """Furnish, build, time a batch, look at rest, restart, look again."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--departments", type=int, default=20)
    parser.add_argument("--batch", type=int, default=50, help="how many are approved at the same moment")
    parser.add_argument("--keep", type=Path, help="folder of a sandbox that stays, and is used again")
    parser.add_argument("--observe-seconds", type=float, default=OBSERVE_SECONDS, help="how long, once ready again")
    options = parser.parse_args()
    with _sandbox(options.keep) as sandbox:
        crowd = Crowd(sandbox, options.requests, options.departments, min(options.batch, options.requests))
        table, ledger = Table(), Ledger(sandbox)
        _widen_uplink(sandbox)
        crowd.furnish()
        _build(crowd, ledger, table)
        _batch(crowd, table)
        _rest(ledger, table)
        _restart(crowd, ledger, table, options.observe_seconds)
    print("\n" + "\n".join(f"{name:46} {figure:>28}   {against}" for name, figure, against in table.rows))


@contextmanager
def _sandbox(keep: Path | None) -> Iterator[Sandbox]:
    home = keep.absolute() if keep else Path(tempfile.mkdtemp(prefix="kunlun-scale-"))
    sandbox = Sandbox(home)
    try:
        sandbox.command("up")
        yield sandbox
    finally:
        if keep is None:
            sandbox.command("down", "--wipe", check=False)
            shutil.rmtree(home, ignore_errors=True)


def _widen_uplink(sandbox: Sandbox) -> None:
    """A second subnet on the uplink, from the zone's own pool: every router needs an address there."""
    config = OpenStackConfig(config_files=[str(sandbox.clouds)]).get_one(cloud="admin")
    network = Connection(config=config).network
    uplink = network.find_network(f"uplink-{ZONE}", ignore_missing=False)
    pool = network.find_subnet_pool(f"zone-{ZONE}", ignore_missing=False)
    if not list(network.subnets(network_id=uplink.id, cidr=UPLINK_ROOM)):
        network.create_subnet(
            name="uplink-room",
            network_id=uplink.id,
            ip_version=4,
            cidr=UPLINK_ROOM,
            subnet_pool_id=pool.id,
            is_dhcp_enabled=False,
            service_types=["network:router_gateway"],
        )


def _build(crowd: Crowd, ledger: Ledger, table: Table) -> None:
    """All but the batch, approved as their plans appear."""
    began, done_before = time.monotonic(), sum(one.ready for one in crowd.seen(BACKGROUND))
    crowd.ask(BACKGROUND)
    done = _until_ready(crowd, ledger, BACKGROUND)
    if made := done - done_before:
        minutes = (time.monotonic() - began) / 60
        table.add(
            "asked, planned, approved and built", f"{made} in {minutes:.1f} min", f"{made / minutes:.0f} a minute"
        )


def _until_ready(crowd: Crowd, ledger: Ledger, system: str) -> int:
    """Approve what is planned until all are ready; a line of progress every minute, an end when nothing moves."""
    best, moved, told = -1, time.monotonic(), 0.0
    while True:
        seen = crowd.seen(system)
        crowd.approve(one for one in seen if one.standing == "AwaitingApproval")
        ready = sum(one.ready for one in seen)
        if ready == len(seen):
            return ready
        if ready > best:
            best, moved = ready, time.monotonic()
        if time.monotonic() - told > 60:
            told = time.monotonic()
            planned = sum(one.plan is not None for one in seen)
            print(f"  {planned} of {len(seen)} planned, {ready} ready, {ledger.memory_mib():.0f} MiB", flush=True)
        standings = {one.standing for one in seen if not one.ready}
        assert time.monotonic() - moved < STALLED_SECONDS, f"nothing moves any more: {standings}"
        time.sleep(POLL_SECONDS)


def _batch(crowd: Crowd, table: Table) -> None:
    """All of the batch planned first, then approved at the same moment."""
    crowd.ask(BATCH)
    if any(one.ready for one in crowd.seen(BATCH)):
        print("  the batch was built before; it is not timed again")
        _until_ready(crowd, Ledger(crowd.sandbox), BATCH)
        return
    waiting = crowd.seen(BATCH)
    while not all(one.standing == "AwaitingApproval" for one in waiting):
        time.sleep(BATCH_POLL_SECONDS)
        waiting = crowd.seen(BATCH)
    began = time.monotonic()
    crowd.approve(waiting)
    seconds: dict[str, float] = {}
    while len(seconds) < len(waiting):
        time.sleep(BATCH_POLL_SECONDS)
        for one in crowd.seen(BATCH):
            if one.ready:
                seconds.setdefault(one.name, time.monotonic() - began)
        assert time.monotonic() - began < STALLED_SECONDS, f"only {len(seconds)} of the batch became ready"
    _tell_batch(list(seconds.values()), [one.name for one in waiting], seconds, table)
    ours = 60 * len(seconds) / max(seconds.values())
    theirs = asyncio.run(_by_script(crowd.sandbox, len(seconds)))
    against = f"script {theirs:.0f}: ratio {ours / theirs:.2f} (target {THROUGHPUT_TARGET})"
    table.add("approved to ready, a minute", f"{ours:.0f}", against)


def _tell_batch(times: list[float], order: list[str], seconds: dict[str, float], table: Table) -> None:
    first, median, last = min(times), statistics.median(times), max(times)
    pairs = list(combinations(order, 2))
    inverted = sum(seconds[earlier] > seconds[later] for earlier, later in pairs) / max(len(pairs), 1)
    table.add(f"{len(times)} approved at once: first, median, last", f"{first:.1f}, {median:.1f}, {last:.1f} s")
    table.add("  last / median", f"{last / median:.2f}", f"limit {LAST_TO_MEDIAN_LIMIT} (in turn: 2)")
    table.add("  ready before one that was approved earlier", f"{100 * inverted:.0f} % of pairs", "by chance: 50 %")


async def _by_script(sandbox: Sandbox, number: int) -> float:
    """The same routers, networks, subnets and interfaces, a minute, by threads that keep no record."""
    options = arguments("").parse_args(["--clouds-yaml", str(sandbox.clouds)])
    stage = await a_stage(options)
    peer = Peer(stage)
    wanted = [(f"peer-scale-{index}-end", next(stage.free)) for index in range(number)]
    began = time.monotonic()
    await asyncio.gather(*(asyncio.to_thread(peer.build_network, name, prefix) for name, prefix in wanted))
    seconds = time.monotonic() - began
    for name, _ in wanted:
        await asyncio.to_thread(peer.remove_network, name)
    stage.clouds.close()
    return 60 * number / seconds


def _rest(ledger: Ledger, table: Table) -> None:
    """What it costs that they are there."""
    ledger.until_quiet()
    began, before = time.time(), ledger.cpu_seconds()
    time.sleep(IDLE_SECONDS)
    share = (ledger.cpu_seconds() - before) / IDLE_SECONDS
    work = ledger.work_since(began)
    table.add("at rest: memory", f"{ledger.memory_mib():.0f} MiB", f"limit {MEMORY_LIMIT_MIB} MiB")
    table.add("at rest: CPU", f"{100 * share:.1f} % of one core")
    table.add("at rest: writes to the two APIs in a minute", f"{work.writes.total()} + {work.changes}", "limit 0 + 0")


def _restart(crowd: Crowd, ledger: Ledger, table: Table, seconds: float) -> None:
    """kill -9 and start: what it takes until every request was looked at, and what is asked of the two APIs."""
    began = time.time()
    table.add("restart: ready after", f"{ledger.restart():.1f} s")
    ready = time.time()
    settled = ledger.until_quiet()
    table.add("restart: every request looked at after", f"{settled:.0f} s more", f"{ledger.cpu_seconds():.1f} s of CPU")
    print(f"  observing for {seconds:.0f} s", flush=True)
    time.sleep(max(0.0, ready + seconds - time.time()))  # one interval: every project has had its turn
    work = ledger.work_since(began)
    table.add("restart: writes to the API server", f"{work.writes.total()}", f"limit 0 {dict(work.writes) or ''}")
    table.add("restart: writes to OpenStack", f"{work.changes}", "limit 0")
    projects, listed = crowd.projects(), len({project for _, project in work.lists})
    table.add("restart: most lists of one kind and project", f"{work.most_lists}", "limit 1")
    table.add("restart: projects listed", f"{listed}", f"of {projects}")
    table.add("restart: lists of servers, all projects", f"{work.server_lists}", f"limit {projects}")
    table.add("restart: memory", f"{ledger.memory_mib():.0f} MiB", f"limit {MEMORY_LIMIT_MIB} MiB")
    if work.renewals:
        table.add("restart: renewals of the lease", f"{work.renewals}", "no write to anything of ours")


if __name__ == "__main__":
    main()
