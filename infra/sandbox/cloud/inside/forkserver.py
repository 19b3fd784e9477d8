"""Start services by forking from a process that has imported their code already.

Importing is most of the cost of starting an OpenStack service. One request a connection, one JSON line:
`argv` asks for a program, `listen` with `modules` for a further fork server; the answer is the new pid.
Runs inside the services' environment and imports nothing of this project.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import random
import runpy
import signal
import socket
import sys
from pathlib import Path
from typing import Any

# Objects that came and stayed before the collector looks, and how much seldomer it looks at older ones. Answering one
# call makes some ten thousand, few of them in circles: by Python's default a tenth of Neutron's work was looking.
COLLECTING = (100_000, 50, 100)


def serve(request: dict[str, Any]) -> None:
    """Import the modules, then fork one process for each request, for ever."""
    for module in request["modules"]:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # the collector must not touch, and so copy, the pages shared with the children
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    server = listening(request["listen"])
    while True:
        connection, _ = server.accept()
        wanted = json.loads(connection.makefile().readline())
        if pid := os.fork():
            connection.sendall(b"%d\n" % pid)
            connection.close()
            continue
        server.close()
        connection.close()
        become(wanted)
        return


def listening(path: str) -> socket.socket:
    """A socket that appears under its name only once it answers."""
    server = socket.socket(socket.AF_UNIX)
    fresh = Path(path + ".new")
    fresh.unlink(missing_ok=True)
    server.bind(str(fresh))
    server.listen(16)
    fresh.rename(path)
    return server


def become(wanted: dict[str, Any]) -> None:
    """Turn this child into the wanted program: own session, own record, own log, own environment."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    write_record(wanted["record"])
    log = os.open(wanted["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.clear()
    os.environ.update(wanted["env"])
    random.seed()
    if "listen" in wanted:
        serve(wanted)
        return
    name_process(wanted["title"])
    gc.set_threshold(*COLLECTING)
    sys.argv = wanted["argv"]
    sys.path[:0] = wanted["env"].get("PYTHONPATH", "").split(os.pathsep)
    runpy.run_path(sys.argv[0], run_name="__main__")


def write_record(path: str) -> None:
    """The kernel's line about this process and the id of this boot; the starting side reads them."""
    line = Path("/proc/self/stat").read_text()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text()
    Path(path).write_text(line + boot)


def name_process(title: str) -> None:
    """Show the service's name in process lists, where that is possible."""
    try:
        from setproctitle import setproctitle  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return
    setproctitle(title)


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]))
