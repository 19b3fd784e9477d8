"""The whole of it: a request that a system moves to, two old hosts it lives on, a client that writes, one who looks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.sandbox.guests.inside import host_named
from infra.sandbox.guests.places import Places, places_of
from tests.conftest import Sandbox
from tests.e2e.moving.client import Client, always_looking, always_writing
from tests.e2e.moving.machines import Machine, old_machines
from tests.e2e.moving.story import CutoverStory, spec_of
from tests.e2e.moving.system import ensure_database_server, install_portal, make_database
from tests.e2e.story import Story, a_server, a_story

TARGET, NAME = "new-home", "portal-moves"
BUILT_SECONDS, STAGE_SECONDS = 600.0, 900.0


@dataclass(frozen=True, slots=True)
class Moving:
    """Both sides, the cutover between them, and who looks on."""

    story: CutoverStory
    old: dict[str, Machine]
    new: dict[str, Machine]
    client: Client
    looks: Callable[[], Counter[str]]


@contextmanager
def with_guests(sandbox: Sandbox) -> Iterator[Places]:
    """The sandbox with guests, and without them again afterwards."""
    sandbox.command("guest")
    try:
        yield places_of(sandbox.layout)
    finally:
        sandbox.command("guest", "--off")


@contextmanager
def a_target(sandbox: Sandbox) -> Iterator[Story]:
    """The request the system moves to: a web server that the department's office may call, and its database."""
    with a_story(sandbox, TARGET) as story:
        office = {"from": {"cidr": "10.10.200.0/24"}, "to": "web", "ports": ["tcp/8080"], "purpose": "the office"}
        inside = {"from": {"servers": "web"}, "to": "db", "ports": ["tcp/5432"], "purpose": "the portal's database"}
        servers = [a_server(name=name, roles=["baseline"]) for name in ("web", "db")]
        story.apply(servers=servers, flows=[office, inside])
        story.approve()
        story.ready(BUILT_SECONDS)
        yield story


@contextmanager
def a_moving_system(sandbox: Sandbox, places: Places, logs: Path) -> Iterator[Moving]:
    """The system lives on two old hosts and is written to; its trial on the target is over."""
    router = host_named(places, "outside-extranet").namespace
    new = {name: Machine(host_named(places, f"{TARGET}-{name}-0")) for name in ("web", "db")}
    with ExitStack() as stack:
        old = stack.enter_context(old_machines(places, ("old-web", "old-db"), router))
        web, db = old["old-web"], old["old-db"]
        ensure_database_server(db, web)
        make_database(db)
        install_portal(web, db)
        web.run("service", "portal", "start")
        ensure_database_server(new["db"], new["web"])
        install_portal(new["web"], new["db"])
        story = CutoverStory(sandbox, NAME)
        story.apply(spec_of(TARGET, web, db, stage="Prepare"))
        story.reaches("Prepared", "Prepared", STAGE_SECONDS)
        client = stack.enter_context(always_writing(router, f"http://{web.address}:80", logs / "client"))
        urls = (f"http://{web.address}:8080/health", f"http://{new['web'].address}:8080/health")
        story.ask(stage="Trial")
        story.reaches("Tried", "Tried", STAGE_SECONDS)
        looks = stack.enter_context(always_looking(router, *urls, logs / "looks"))
        yield Moving(story, old, new, client, looks)
