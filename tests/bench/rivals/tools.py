"""Where the tools are: on PATH, or in the cache, where `python -m tests.bench.rivals.tools` puts what can be had.

Each gets an environment of its own, because they pin half of what the others need. Terraform itself is not
installed: where it (or OpenTofu) is on PATH, its OpenStack provider is built from the released Go module.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from infra.sandbox.commands import run
from infra.sandbox.layout import cache_folder
from infra.sandbox.toolchain import Tool as Program
from infra.sandbox.toolchain import ensure_tool

PROVIDER = Program(
    "terraform-provider-openstack",
    "provider",
    "v3.4.0",
    "github.com/terraform-provider-openstack/terraform-provider-openstack/v3",
    wrappers=Path(__file__).parent,
)
# Neither has the SDK of the cloud's own services: calls are known by its release.
PACKAGES: Mapping[str, tuple[str, ...]] = {
    "ansible": ("ansible==12.3.0", "openstacksdk==4.4.0"),  # the collection of this release refuses newer SDKs
    "openstackclient": ("python-openstackclient==10.5.0", "openstacksdk==4.21.0"),
}


def program(environment: str, name: str) -> Path | None:
    """From its environment in the cache, else from PATH."""
    ours = _folder(environment) / "bin" / name
    return ours if ours.exists() else _on_path(name)


def sdk_agent(found: Path | None) -> str:
    """How the User-Agent of a program begins that names nothing but the SDK of its environment."""
    place = found.resolve().parents[1] if found else Path()
    known = [path.name for path in place.glob("lib/python*/site-packages/openstacksdk-*.dist-info")]
    return f"openstacksdk/{known[0].removeprefix('openstacksdk-').removesuffix('.dist-info') if known else 'unknown'}"


def terraform() -> Path | None:
    """Terraform or, without it, OpenTofu."""
    return _on_path("terraform") or _on_path("tofu")


def provider() -> Path | None:
    """The folder of the provider, if it has been built."""
    cache = cache_folder(os.environ)
    folder = cache / "toolchain" / f"{PROVIDER.family}-{PROVIDER.release}"
    return folder if (folder / PROVIDER.name).exists() else None


def main() -> None:
    """Install whatever is not there."""
    cache = cache_folder(os.environ)
    uv = cache / "uv" / "bin" / "uv"
    for name, packages in PACKAGES.items():
        complete = _folder(name) / "complete"
        if not complete.exists():
            print(f"installing {', '.join(packages)}", flush=True)
            run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, _folder(name)])
            run([uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", _folder(name), *packages])
            complete.touch()
    if terraform() is None:
        print("neither terraform nor tofu is on PATH: their provider is not built")
    else:
        ensure_tool(PROVIDER, cache, os.environ, print)


def _folder(environment: str) -> Path:
    return cache_folder(os.environ) / "peers" / environment


def _on_path(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found) if found else None


if __name__ == "__main__":
    main()
