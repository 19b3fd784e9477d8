"""How any OpenStack service is started, and how its management command is run."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass

from infra.sandbox.cloud.configuration import configuration_file
from infra.sandbox.cloud.preload import GROUPS, launch_forked
from infra.sandbox.cloud.site import Site
from infra.sandbox.commands import run
from infra.sandbox.errors import failed_with_log
from infra.sandbox.ports import Listener
from infra.sandbox.processes import Program
from infra.sandbox.waiting import wait_until

# method, path, status, milliseconds and User-Agent: who called what can be counted.
ACCESS_FORMAT = '%(t)s %(m)s %(U)s?%(q)s %(s)s %(M)s "%(a)s"'
THREADS = 16


@dataclass(frozen=True, slots=True)
class WebService:
    """A service that answers HTTP: one worker process, with threads."""

    name: str
    listener: Listener
    module: str
    arguments: str = ""

    @property
    def program(self) -> str:
        return f"{self.name}-api"

    @property
    def group(self) -> str:
        return self.name if self.name in GROUPS else "base"


def start_web_service(site: Site, service: WebService) -> None:
    """Return when the service answers; SandboxFailed with its log when it ended."""
    port, log = site.ports[service.listener], site.layout.log(service.program)
    argv = (
        str(site.venv / "bin" / "gunicorn"), "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread",
        "--workers", "1", "--threads", str(THREADS), "--keep-alive", "75", "--timeout", "120",
        "--graceful-timeout", "1", "--no-control-socket", "--log-level", "warning",
        "--access-logfile", str(site.layout.log(f"{service.name}-access")), "--access-logformat", ACCESS_FORMAT,
        "kunlun_wsgi:application",
    )  # fmt: skip
    chosen = {"KUNLUN_WSGI_MODULE": service.module, "KUNLUN_WSGI_ARGUMENTS": service.arguments}
    environ = {**site.service_environ(), **chosen}
    launch_forked(site, service.group, Program(service.program, argv, log, environ, site.layout.home))
    await_program(site, service.program, lambda: http_answers(port))


def start_daemon(site: Site, service: str, program: str) -> None:
    """Start a service that does not answer HTTP."""
    argv = (str(site.venv / "bin" / program), "--config-file", str(configuration_file(site, service)))
    site.processes.launch(Program(program, argv, site.layout.log(program), site.service_environ(), site.layout.home))


def await_program(site: Site, name: str, probe: Callable[[], object], every_seconds: float = 0.05) -> None:
    """Return when the probe holds; at once with an error when the program has ended."""
    log = site.layout.log(name)

    def holds() -> bool:
        if site.processes.alive(name) is None:
            raise failed_with_log(f"{name} ended while starting", log)
        return bool(probe())

    wait_until(f"{name} (log: {log})", holds, every_seconds=every_seconds)


def manage(site: Site, tool: str, *arguments: str) -> None:
    """Run a service's management command, such as `nova-manage`."""
    service = tool.removesuffix("-manage").removesuffix("-db")
    argv = [site.venv / "bin" / tool, "--config-file", configuration_file(site, service), *arguments]
    run(argv, env=site.service_environ(), folder=site.layout.home)


def http_answers(port: int) -> bool:
    """Whether something speaks HTTP there; which status it answers does not matter."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(f"http://127.0.0.1:{port}/", timeout=5).close()
    except urllib.error.HTTPError as answer:
        answer.close()
    return True
