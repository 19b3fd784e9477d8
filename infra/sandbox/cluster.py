"""Making the empty control plane Kunlun's: kinds, policies, roles, zones, and one department to work with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra.sandbox.commands import attempt, run, said
from infra.sandbox.errors import SandboxFailed
from infra.sandbox.layout import Layout, write_private
from infra.sandbox.personas import with_token
from infra.sandbox.waiting import wait_until

HERE = Path(__file__).parent / "manifests"
FIELD_MANAGER = "kunlun-sandbox"
OPERATOR, OPERATOR_NAMESPACE = "kunlun-operator", "kunlun-system"
TOKEN_LIFETIME = "24h"  # noqa: S105  a duration
# Tables of kinds and policies are read by the API server every few seconds; until then it refuses.
SETTLING_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """One control plane as its administrator and its people see it."""

    layout: Layout
    kubectl: Path
    server: str
    environ: dict[str, str]

    def call(self, kubeconfig: Path, *words: object, text_in: str | None = None) -> str:
        return run([self.kubectl, f"--kubeconfig={kubeconfig}", *words], env=self.environ, text_in=text_in)

    def apply(self, documents: list[dict[str, Any]]) -> None:
        """Server-side apply as the administrator; nothing changes when nothing differs."""
        if documents:
            words = ("apply", "--server-side", "--force-conflicts", f"--field-manager={FIELD_MANAGER}", "--filename=-")
            self.call(self.layout.kubeconfig, *words, text_in=yaml.safe_dump_all(documents))

    def install(self, manifests: Path) -> None:
        """Kunlun's own manifests: first the kinds, then what speaks of them."""
        rendered = run([self.kubectl, "kustomize", manifests], env=self.environ)
        documents = [document for document in yaml.safe_load_all(rendered) if document]
        kinds = [each for each in documents if each["kind"] == "CustomResourceDefinition"]
        namespaces = [each for each in documents if each["kind"] == "Namespace"]
        self.apply([*namespaces, *kinds])
        names = [f"customresourcedefinition/{each['metadata']['name']}" for each in kinds]
        if names:
            self.call(self.layout.kubeconfig, "wait", "--for=condition=Established", "--timeout=60s", *names)
        self.apply([each for each in documents if each not in kinds and each not in namespaces])

    def fill(self, zones: Path) -> None:
        """Zones and the department: namespace, roles, tenant as the administrator; the system as its clerk."""
        wait_until(
            "the API server's view of our kinds",
            lambda: self._accepts(self.layout.kubeconfig, zones),
            deadline_seconds=SETTLING_SECONDS,
        )
        self.apply([document for file in (zones, HERE / "department.yaml") for document in documents_of(file)])
        clerk, system = self.layout.users / "clerk.kubeconfig", HERE / "system.yaml"
        wait_until("the policies", lambda: self._accepts(clerk, system), deadline_seconds=SETTLING_SECONDS)
        self.call(clerk, "apply", f"--filename={system}")

    def renew_operator_token(self) -> None:
        """The operator's identity is its service account's, as in a real cluster (TokenRequest API)."""
        words = ("create", "token", OPERATOR, f"--namespace={OPERATOR_NAMESPACE}", f"--duration={TOKEN_LIFETIME}")
        token = self.call(self.layout.kubeconfig, *words).strip()
        ca = self.layout.cluster / "ca.crt"
        text = with_token(self.server, ca, OPERATOR, token, OPERATOR_NAMESPACE)
        write_private(self.layout.operator_kubeconfig, text)

    def _accepts(self, kubeconfig: Path, manifest: Path) -> bool:
        """Whether the API server would take it now. A refusal that no waiting heals is reported at once."""
        argv = [self.kubectl, f"--kubeconfig={kubeconfig}", "apply", "--dry-run=server", f"--filename={manifest}"]
        done = attempt(argv, env=self.environ)
        if done.returncode and "is invalid" in done.stderr:
            raise SandboxFailed(f"the API server refuses {manifest}: {said(done)}")
        return done.returncode == 0


def documents_of(path: Path) -> list[dict[str, Any]]:
    """The documents of a file, with the items of Lists on their own."""
    documents = [document for document in yaml.safe_load_all(path.read_text()) if document]
    return [item for document in documents for item in document.get("items", [document])]
