"""Three tiers with packets: each reaches the next over the declared flow, and nobody reaches anything else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.sandbox.guests.inside import hosts, run_in
from infra.sandbox.guests.places import Places, places_of
from tests.conftest import Sandbox
from tests.e2e.story import eventually
from tests.e2e.tiers import PATIENCE_SECONDS, ZONES, Tiers, gone, tiers

PORTS = (8080, 8081)
SERVED = "/etc/hostname.d"
SERVE = f"for port in 8080 8081; do nohup python3 -m http.server $port -d {SERVED} >/dev/null 2>&1 & done"


@pytest.fixture(scope="module")
def places(sandbox: Sandbox) -> Iterator[Places]:
    """The sandbox with guests, and as it was afterwards."""
    sandbox.command("guest")
    yield places_of(sandbox.layout)
    sandbox.command("guest", "--off")


@pytest.fixture(scope="module")
def built(sandbox: Sandbox, places: Places) -> Iterator[Tiers]:
    """Web in the Internet, app in the extranet, db in the private network; all serve on two ports."""
    with tiers(sandbox, "packets") as these:
        these.ask("web")
        these.ask("app", "web")
        these.ask("db", "app")
        these.ready("web", "app", "db")
        assert eventually(lambda: [] == these.unplanned(*ZONES), PATIENCE_SECONDS), these.unplanned(*ZONES)
        guests = {guest(tier) for tier in ZONES}
        assert eventually(lambda: guests <= {host.name for host in hosts(places)}, PATIENCE_SECONDS)
        for tier in ZONES:
            run_in(places, guest(tier), ["sh", "-c", f"mkdir -p {SERVED}; {SERVE}"])
        yield these


def guest(tier: str) -> str:
    return f"packets-{tier}-{tier}-0"


def answers(places: Places, source: str, address: str, port: int) -> bool:
    """Whether curl at the source gets an answer."""
    asked = ["curl", "--silent", "--fail", "--max-time", "3", "--output", "/dev/null", f"http://{address}:{port}/"]
    return run_in(places, source, asked).returncode == 0


def open_between(places: Places, these: Tiers, *alive: str) -> set[tuple[str, str, int]]:
    """Everybody to everybody on both ports, hosts outside each zone included: what is answered."""
    addresses = {tier: these.stack(tier).servers[0].address for tier in alive}
    sources = {**{tier: guest(tier) for tier in alive}, **{zone: f"outside-{zone}" for zone in ZONES.values()}}
    return {
        (source, tier, port)
        for source, host in sources.items()
        for tier, address in addresses.items()
        for port in PORTS
        if source != tier and answers(places, host, address, port)
    }


def test_exactly_the_declared_flows_are_open_and_go_with_their_request(places: Places, built: Tiers) -> None:
    """34 pairs, 2 of them open; then each removal closes its own flows and no other."""
    flows = {("web", "app", 8080), ("app", "db", 8080)}
    assert eventually(lambda: answers(places, guest("app"), built.stack("db").servers[0].address, 8080), 30)

    assert flows == open_between(places, built, *ZONES)
    gone(built.stories["db"])
    assert {("web", "app", 8080)} == open_between(places, built, "web", "app")
    gone(built.stories["web"])
    assert set() == open_between(places, built, "app")
