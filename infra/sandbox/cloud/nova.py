"""Nova with its fake hypervisor: API, conductor, scheduler and compute in one process, no message broker."""

from __future__ import annotations

from infra.sandbox.cloud.databases import execute
from infra.sandbox.cloud.services import WebService, await_program, manage, start_web_service
from infra.sandbox.cloud.site import Site

SERVICE = WebService("nova", "compute", "kunlun_nova")
# Cells find their database by this template, filled from the configuration, so that ports may differ.
CELL_DATABASE = "{scheme}://{username}:{password}@{hostname}:{port}/"
KNOWN_COMPUTE = (
    "select 1 from compute_nodes c join services s on s.host = c.host where s.binary = 'nova-compute'"
    " and c.deleted = 0 and coalesce(s.last_seen_up, s.created_at) > utc_timestamp() - interval 60 second"
)


def migrate(site: Site) -> None:
    """Three databases and the two cells."""
    manage(site, "nova-manage", "api_db", "sync")
    manage(site, "nova-manage", "cell_v2", "map_cell0", "--database_connection", CELL_DATABASE + "nova_cell0")
    manage(site, "nova-manage", "db", "sync")
    if not execute(site, "select 1 from cell_mappings where name = 'cell1'", database="nova_api"):
        cell = ("--name", "cell1", "--transport-url", "fake:/", "--database_connection", CELL_DATABASE + "nova")
        manage(site, "nova-manage", "cell_v2", "create_cell", *cell)


def start(site: Site) -> None:
    """The API answers and its compute node can be scheduled to."""
    fresh = site.processes.alive(SERVICE.program) is None
    start_web_service(site, SERVICE)
    if fresh:
        settle_compute(site)


def settle_compute(site: Site) -> None:
    """The compute part lives in the process that just answered; its own first report would take 5 s."""
    execute(site, "update services set last_seen_up = utc_timestamp() where deleted = 0", database="nova")
    await_program(site, SERVICE.program, lambda: execute(site, KNOWN_COMPUTE, database="nova"), every_seconds=0.2)
    if not execute(site, "select 1 from host_mappings limit 1", database="nova_api"):
        manage(site, "nova-manage", "cell_v2", "discover_hosts")
