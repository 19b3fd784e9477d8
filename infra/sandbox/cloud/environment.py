"""The Python environment of the OpenStack services: pinned, in the cache, made once for each list of pins.

It is not the project's own: the services pin half of PyPI. Byte-compiled once, which halves every import.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.sandbox.commands import run
from infra.sandbox.graph import Say

REQUIREMENTS = Path(__file__).parent / "requirements.txt"
INSTALL_DEADLINE_SECONDS = 1800.0
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")  # an organisation's own is in there, not in uv's list


def ensure_environment(cache: Path, environ: Mapping[str, str], say: Say) -> Path:
    """The environment's folder; whoever comes second waits for the first."""
    key = f"{hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:16]}-py{sys.version_info[0]}{sys.version_info[1]}"
    venv = cache / "services" / key
    complete = venv / "complete"
    if complete.exists():
        return venv
    venv.parent.mkdir(parents=True, exist_ok=True)
    with (venv.parent / f".{key}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            say("installing the OpenStack services (once; a minute or more)")
            install(venv, environ, uv_program(cache, environ))
            complete.touch()
    return venv


def install(venv: Path, environ: Mapping[str, str], uv: str | None) -> None:
    """Make the environment anew; pip does it where there is no uv, in thrice the time."""
    shutil.rmtree(venv, ignore_errors=True)
    inside = venv / "bin" / "python"
    if AUTHORITIES.exists():
        environ = {**environ, "UV_SYSTEM_CERTS": "true"}
    if uv:
        run([uv, "venv", "--quiet", "--python", sys.executable, venv], env=environ)
        argv: list[object] = [uv, "pip", "install", "--quiet", "--python", inside, "-r", REQUIREMENTS]
    else:
        run([sys.executable, "-m", "venv", venv], env=environ)
        argv = [inside, "-m", "pip", "install", "--quiet", "--no-compile", "-r", REQUIREMENTS]
    run(argv, env=environ, deadline_seconds=INSTALL_DEADLINE_SECONDS)
    # Some packages carry templates that are no Python; they fail to compile, which is no failure of ours.
    compiling = "import compileall, sys; compileall.compile_dir(sys.argv[1], quiet=2, workers=0)"
    run([inside, "-c", compiling, venv / "lib"], env=environ)


def uv_program(cache: Path, environ: Mapping[str, str]) -> str | None:
    """uv as the project's set-up keeps it, else from PATH."""
    kept = cache / "uv" / "bin" / "uv"
    return str(kept) if kept.exists() else shutil.which("uv", path=environ.get("PATH"))


def service_version(service: str) -> str:
    """The pinned version of a service."""
    package = "openstack-placement" if service == "placement" else service
    for line in REQUIREMENTS.read_text().splitlines():
        name, _, version = line.partition("==")
        if name.strip().lower() == package:
            return version.split(";")[0].strip()
    raise LookupError(package)
