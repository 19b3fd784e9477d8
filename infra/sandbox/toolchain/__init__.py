"""The programs written in Go: found on PATH, else in the cache, else built once from their released modules.

Each folder beside this file is a wrapper module that pins one of them; one shared module would mix dependency
sets that do not fit. The build happens in a copy, so the checkout is never written to, and Go verifies the
checksum of every module it fetches against the go.sum beside it.
"""

from __future__ import annotations

import fcntl
import re
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.sandbox.commands import attempt, said
from infra.sandbox.errors import SandboxFailed
from infra.sandbox.graph import Say

BUILD_DEADLINE_SECONDS = 3600.0
STRIPPED = "-s -w"


@dataclass(frozen=True, slots=True)
class Tool:
    """One program: where it is built from, and which of the installed ones would do as well.

    `from_path` is a pattern that the answer to `version` must match; None means that ours is always used. The wrapper
    module is the folder `family` in `wrappers`.
    """

    name: str
    family: str
    release: str
    package: str
    link: str = STRIPPED
    tags: str = ""
    version: tuple[str, ...] = ("version",)
    from_path: str | None = None
    wrappers: Path = Path(__file__).parent


def kubernetes_link(release: str) -> str:
    """Linker flags that make `/version` say the release; clients refuse to talk to an unnamed one."""
    major, minor, _ = release.removeprefix("v").split(".")
    said_there = {
        "gitVersion": release,
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
        "gitCommit": "unknown",
        "buildDate": "2026-01-01T00:00:00Z",
    }
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return " ".join(
        [STRIPPED, *(f"-X {package}.{key}={text}" for package in packages for key, text in said_there.items())]
    )


KUBERNETES, ETCD_RELEASE, PULUMI_RELEASE = "v1.36.3", "v3.6.14", "v3.259.0"
KUBERNETES_LINK = kubernetes_link(KUBERNETES)

ETCD = Tool("etcd", "etcd", ETCD_RELEASE, "go.etcd.io/etcd/server/v3", version=("--version",), from_path=r"\b3\.[56]\.")
APISERVER = Tool(
    "kube-apiserver", "kubernetes", KUBERNETES, "k8s.io/kubernetes/cmd/kube-apiserver", KUBERNETES_LINK,
    version=("--version",), from_path=r"\bv1\.36\.",
)  # fmt: skip
CONTROLLER_MANAGER = Tool(
    "kube-controller-manager", "kubernetes", KUBERNETES, "k8s.io/kubernetes/cmd/kube-controller-manager",
    KUBERNETES_LINK, version=("--version",), from_path=r"\bv1\.36\.",
)  # fmt: skip
KUBECTL = Tool(
    "kubectl", "kubernetes", KUBERNETES, "k8s.io/kubernetes/cmd/kubectl", KUBERNETES_LINK,
    version=("version", "--client"), from_path=r"v1\.",
)  # fmt: skip
# The engine's command line must be of the very release of the Python package in pyproject.toml.
PULUMI = Tool(
    "pulumi", "pulumi", PULUMI_RELEASE, "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    f"{STRIPPED} -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version={PULUMI_RELEASE}",
    "osusergo grpcnotrace", from_path=r"^v3\.259\.",
)  # fmt: skip

TOOLS = (ETCD, APISERVER, CONTROLLER_MANAGER, KUBECTL, PULUMI)


def ensure_tool(tool: Tool, cache: Path, environ: Mapping[str, str], say: Say) -> Path:
    """The path of a usable program; SandboxFailed when it is nowhere and cannot be built."""
    cached = cache / "toolchain" / f"{tool.family}-{tool.release}" / tool.name
    return on_path(tool, environ) or (cached if cached.exists() else build(tool, cached, environ, say))


def on_path(tool: Tool, environ: Mapping[str, str]) -> Path | None:
    """The installed program, if it is of a release that we know to work."""
    found = shutil.which(tool.name, path=environ.get("PATH"))
    if found is None or tool.from_path is None:
        return None
    try:
        answer = attempt([found, *tool.version], env=environ, deadline_seconds=20)
    except SandboxFailed:
        return None
    return Path(found) if answer.returncode == 0 and re.search(tool.from_path, answer.stdout) else None


def build(tool: Tool, target: Path, environ: Mapping[str, str], say: Say) -> Path:
    """Compile the program into the cache, one at a time: the compiler takes all cores and gigabytes."""
    go = shutil.which("go", path=environ.get("PATH"))
    if go is None:
        raise SandboxFailed(
            f"`{tool.name}` {tool.release} is neither on PATH nor in the cache: install it, or Go 1.26 to build it"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parents[1] / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            compile_to(tool, target, go, environ, say)
    return target


def compile_to(tool: Tool, target: Path, go: str, environ: Mapping[str, str], say: Say) -> None:
    """Run `go build` in a copy of the wrapper module; the program appears whole or not at all."""
    say(f"building {tool.name} {tool.release} (once; minutes)")
    began = time.monotonic()
    settings = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"}
    with tempfile.TemporaryDirectory(prefix="kunlun-build-") as folder:
        module = shutil.copytree(tool.wrappers / tool.family, Path(folder) / tool.family)
        fresh = target.with_name(f".{tool.name}.new")
        flags = ["-mod=readonly", "-trimpath", "-ldflags", tool.link, *(["-tags", tool.tags] if tool.tags else [])]
        done = attempt(
            [go, "build", *flags, "-o", fresh, tool.package],
            env={**environ, **settings},
            folder=module,
            deadline_seconds=BUILD_DEADLINE_SECONDS,
        )
        if done.returncode:
            raise SandboxFailed(f"building {tool.name} {tool.release} failed: {said(done)}")
        fresh.replace(target)
    say(f"building {tool.name} {time.monotonic() - began:.0f} s")
