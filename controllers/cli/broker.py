"""`kunlun broker`: lets browsers to desktops."""

from __future__ import annotations

import asyncio
import os
import signal
from functools import partial
from pathlib import Path

import click

from controllers.cli.logs import log_events

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command(short_help="Let browsers to desktops.")
@click.option("--kubeconfig", type=FILE, help="How to reach the Kubernetes API; without it, the pod's service account.")
@click.option("--listen", default="127.0.0.1:8790", show_default=True, metavar="HOST:PORT", help="Where browsers come.")
@click.option("--certificate", type=FILE, help="Certificate and key (PEM) for TLS; without it a proxy has to.")
@click.option("--novnc", type=FOLDER, default=Path("/usr/share/novnc"), show_default=True, help="noVNC's files.")
@click.option("--key", type=FILE, required=True, help="SSH key that desktops know as the broker's.")
@click.option("--host-keys", type=FOLDER, required=True, help="Folder with <server id>/host_key.pub of each desktop.")
@click.option("--state", type=FOLDER, default=Path("broker"), show_default=True, help="Folder of its own; not kept.")
@click.option(
    "--ssh-proxy",
    default="",
    metavar="COMMAND",
    help="How a zone's management network is entered, as for `kunlun run`: {zone}, {gateway}, %h and %p are filled in.",
)
def command(  # noqa: PLR0913 - one parameter for each option
    *,
    kubeconfig: Path | None,
    listen: str,
    certificate: Path | None,
    novnc: Path,
    key: Path,
    host_keys: Path,
    state: Path,
    ssh_proxy: str,
) -> None:
    """Serve desktops to the browsers of the people they belong to, until told to end.

    Who comes in is decided by DesktopSessions (`kubectl kunlun desktop open`); desktops are reached by SSH over their
    zone's management path only.
    """
    from controllers.broker.reach import SshReach

    log_events("info")
    host, _, port = listen.rpartition(":")
    reach = SshReach(key, host_keys, state.resolve(), ssh_proxy)
    asyncio.run(_serve(kubeconfig, (host, int(port)), certificate, novnc, reach))


async def _serve(
    kubeconfig: Path | None, listen: tuple[str, int], certificate: Path | None, novnc: Path, reach: object
) -> None:
    import ssl

    from aiohttp import web

    from controllers.api.times import utc_now
    from controllers.broker.reach import SshReach
    from controllers.broker.service import Broker
    from controllers.broker.sessions import Sessions
    from controllers.cluster import Access, Cluster, access_from_kubeconfig, access_from_service_account

    def access() -> Access:
        if kubeconfig is not None:
            return access_from_kubeconfig(kubeconfig)
        server = f"https://{os.environ['KUBERNETES_SERVICE_HOST']}:{os.environ['KUBERNETES_SERVICE_PORT']}"
        return access_from_service_account(server)

    assert isinstance(reach, SshReach)  # noqa: S101
    tls = None
    if certificate is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)
    told_to_end = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told_to_end.set)
    async with Cluster(partial(access)) as cluster:
        runner = web.AppRunner(Broker(Sessions(cluster), reach, utc_now, novnc).application(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, *listen, ssl_context=tls, shutdown_timeout=2).start()
        await told_to_end.wait()
        await runner.cleanup()
