"""Making the empty control plane Kunlun's: kinds, policies, roles, zones, and one department to work with."""

from __future__ import annotations

import hashlib
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra.sandbox.commands import attempt, run, said
from infra.sandbox.errors import NotReady, SandboxFailed
from infra.sandbox.layout import Layout, write_private
from infra.sandbox.personas import with_token
from infra.sandbox.stamps import Stamps
from infra.sandbox.waiting import wait_until

HERE = Path(__file__).parent / "manifests"
DEPARTMENT, SYSTEM = HERE / "department.yaml", HERE / "system.yaml"
FORGED, OFFERED = HERE / "forged.yaml", HERE / "offered.yaml"
FIELD_MANAGER = "kunlun-sandbox"
TENANT = "civil-affairs"
OPERATOR, BROKER, OPERATOR_NAMESPACE = "kunlun-operator", "kunlun-broker", "kunlun-system"
TOKEN_LIFETIME = "24h"  # noqa: S105  a duration
# The API server reads its tables of kinds and policies every few seconds; until then it refuses what is right.
SETTLING_SECONDS = 60.0
HOPELESS = ("is invalid", "error validating", "cannot unmarshal", "unknown field")

Manifest = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Cluster:
    """One control plane as its administrator and its people see it."""

    layout: Layout
    kubectl: Path
    server: str
    environ: dict[str, str]

    def fill(self, manifests: Path, zones: Path) -> None:
        """Kunlun's own manifests, the zones and the department; the first time, the kinds before what uses them."""
        rendered = run([self.kubectl, "kustomize", manifests], env=self.environ)
        wanted = [*documents(rendered), *documents(zones.read_text()), *documents(DEPARTMENT.read_text())]
        digest = hashlib.sha256(yaml.safe_dump(wanted).encode()).hexdigest()
        stamps = Stamps(self.layout.cluster / "stamps.json")
        if not stamps.has("manifests", digest):
            self._define([each for each in wanted if each["kind"] == "CustomResourceDefinition"])
        self._apply(sorted(wanted, key=lambda each: bool(each["kind"] != "Namespace")))
        stamps.put("manifests", digest)

    def await_policies(self) -> None:
        """Return when the API server refuses what the policies forbid, and takes what the department files."""
        clerk = self.layout.users / "clerk.kubeconfig"
        offer = ("apply", "--dry-run=server", "--filename")
        wait_until(
            "the refusal of a forged request",
            lambda: "ValidatingAdmissionPolicy" in self._attempt(clerk, (*offer, str(FORGED))).stderr,
            deadline_seconds=SETTLING_SECONDS,
        )
        wait_until(  # what stamps the requester's name learns of changed kinds later than what refuses
            "the acceptance of an ordinary request",
            lambda: self._attempt(clerk, (*offer, str(OFFERED))).returncode == 0,
            deadline_seconds=SETTLING_SECONDS,
        )
        self._insist(clerk, ("apply", f"--filename={SYSTEM}"))

    def await_department(self) -> None:
        """The operator has made the department's projects: from here on requests are planned at once."""
        words = ("wait", f"tenants.kunlun.cloud/{TENANT}", "--for=condition=Ready", "--timeout=15s")
        self._insist(self.layout.kubeconfig, words)

    def renew_operator_token(self) -> None:
        """The operator's identity is its service account's, as in a real cluster (TokenRequest API)."""
        self._renew_token(OPERATOR, self.layout.operator_kubeconfig)

    def renew_broker_token(self) -> None:
        """The broker has a service account of its own: it may do less."""
        self._renew_token(BROKER, self.layout.broker_kubeconfig)

    def _renew_token(self, account: str, kubeconfig: Path) -> None:
        words = ("create", "token", account, f"--namespace={OPERATOR_NAMESPACE}", f"--duration={TOKEN_LIFETIME}")
        token = self._insist(self.layout.kubeconfig, words).strip()
        ca = self.layout.cluster / "ca.crt"
        write_private(kubeconfig, with_token(self.server, ca, account, token, OPERATOR_NAMESPACE))

    def _define(self, kinds: list[Manifest]) -> None:
        """The kinds are served."""
        self._apply(kinds)
        names = [f"customresourcedefinition/{each['metadata']['name']}" for each in kinds]
        words = ("wait", "--for=condition=Established", f"--timeout={SETTLING_SECONDS:.0f}s", *names)
        self._insist(self.layout.kubeconfig, words)

    def _apply(self, wanted: list[Manifest]) -> None:
        """Server-side apply as the administrator: nothing changes when nothing differs."""
        words = ("apply", "--server-side", "--force-conflicts", f"--field-manager={FIELD_MANAGER}", "--filename=-")
        self._insist(self.layout.kubeconfig, words, yaml.safe_dump_all(wanted))

    def _insist(self, kubeconfig: Path, words: tuple[str, ...], text_in: str | None = None) -> str:
        """Try again while the API server settles; what no waiting heals is an error at once."""
        tries: list[subprocess.CompletedProcess[str]] = []

        def decided() -> bool:
            tries[:] = [self._attempt(kubeconfig, words, text_in)]
            return tries[0].returncode == 0 or any(sign in tries[0].stderr for sign in HOPELESS)

        with suppress(NotReady):
            wait_until(words[0], decided, deadline_seconds=SETTLING_SECONDS, every_seconds=0.2)
        if tries[0].returncode:
            raise SandboxFailed(f"`kubectl {words[0]}` was refused: {said(tries[0])}")
        return tries[0].stdout

    def _attempt(
        self, kubeconfig: Path, words: tuple[str, ...], text_in: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        argv = [self.kubectl, f"--kubeconfig={kubeconfig}", "--request-timeout=20s", *words]
        return attempt(argv, env=self.environ, text_in=text_in)


def documents(text: str) -> list[Manifest]:
    """The documents of a manifest, with the items of Lists on their own."""
    found = [document for document in yaml.safe_load_all(text) if document]
    return [item for document in found for item in document.get("items", [document])]
