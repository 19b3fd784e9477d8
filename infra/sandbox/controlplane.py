"""The control plane: etcd, kube-apiserver, and the namespace and garbage-collection controllers.

Only what Kunlun uses is switched on: fewer API groups mean fewer watch caches, and half the start's work.
"""

from __future__ import annotations

import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from infra.sandbox.certificates import Authority
from infra.sandbox.errors import failed_with_log
from infra.sandbox.layout import Layout, write_private
from infra.sandbox.personas import with_certificate, write_kubeconfigs
from infra.sandbox.ports import Ports
from infra.sandbox.processes import ProcessTable, Program
from infra.sandbox.waiting import wait_until

AUDIT_POLICY = Path(__file__).parent / "manifests" / "audit.yaml"
ETCD, APISERVER, CONTROLLERS = "etcd", "kube-apiserver", "kube-controller-manager"

# networking and discovery are unused, but without them a start-up hook of the server ends it after 60 s.
API_GROUPS = (
    "v1", "apiextensions.k8s.io/v1", "admissionregistration.k8s.io/v1", "rbac.authorization.k8s.io/v1",
    "coordination.k8s.io/v1", "authentication.k8s.io/v1", "authorization.k8s.io/v1", "events.k8s.io/v1",
    "apiregistration.k8s.io/v1", "networking.k8s.io/v1", "discovery.k8s.io/v1",
)  # fmt: skip
# Admission of things that do not exist here: pods, nodes, volumes, certificate requests.
UNUSED_ADMISSION = (
    "ServiceAccount", "TaintNodesByCondition", "PodSecurity", "Priority", "DefaultTolerationSeconds",
    "DefaultStorageClass", "StorageObjectInUseProtection", "PodGroupProtection", "PersistentVolumeClaimResize",
    "RuntimeClass", "CertificateApproval", "CertificateSigning", "ClusterTrustBundleAttest",
    "CertificateSubjectRestriction", "DefaultIngressClass", "PodTopologyLabels", "PodGroupWorkloadExists",
    "NodeDeclaredFeatureValidator", "JobValidation", "PodResizeValidator", "LimitRanger", "ResourceQuota",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Programs:
    """The built programs of the control plane."""

    etcd: Path
    apiserver: Path
    controller_manager: Path
    kubectl: Path


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """One control plane; every method returns when what it names is reached, and at once when it already is."""

    layout: Layout
    ports: Ports
    processes: ProcessTable
    programs: Programs
    environ: dict[str, str]

    @property
    def server(self) -> str:
        return f"https://127.0.0.1:{self.ports['apiserver']}"

    def write_identities(self) -> None:
        """Certificates and kubeconfigs; the ones that exist are kept."""
        authority = Authority(self.layout.cluster)
        authority.server("kube-apiserver")
        authority.signing_key("service-accounts")
        write_kubeconfigs(self.layout, self.server, authority)
        controllers = authority.client("system:kube-controller-manager", [])
        text = with_certificate(self.server, authority.certificate_file, "controllers", controllers, "default")
        write_private(self.layout.cluster / "controllers.kubeconfig", text)

    def start_etcd(self) -> None:
        self._launch(ETCD, etcd_arguments(self.programs.etcd, self.layout.cluster / "etcd", self.ports))
        self._await(ETCD, lambda: http_ok(f"{self.ports.url('etcd')}/health", None))

    def start_apiserver(self) -> None:
        self._launch(APISERVER, apiserver_arguments(self))
        trust = ssl.create_default_context(cafile=str(self.layout.cluster / "ca.crt"))
        self._await(APISERVER, lambda: http_ok(f"{self.server}/readyz", trust))

    def start_controllers(self) -> None:
        self._launch(CONTROLLERS, controllers_arguments(self))
        anyone = ssl._create_unverified_context()  # it signs for itself; we only ask whether it is well
        url = f"https://127.0.0.1:{self.ports['controller-manager']}/healthz"
        self._await(CONTROLLERS, lambda: http_ok(url, anyone))

    def _launch(self, name: str, argv: list[object]) -> None:
        words = tuple(str(word) for word in argv)
        self.processes.launch(Program(name, words, self.layout.log(name), self.environ, self.layout.home))

    def _await(self, name: str, probe: Callable[[], object]) -> None:
        wait_until(
            f"{name} (log: {self.layout.log(name)})", lambda: self._still_there(name) and probe(), every_seconds=0.05
        )

    def _still_there(self, name: str) -> bool:
        if self.processes.alive(name) is None:
            raise failed_with_log(f"{name} ended while starting", self.layout.log(name))
        return True


def etcd_arguments(program: Path, folder: Path, ports: Ports) -> list[object]:
    """One member; nothing here is worth an fsync, and short elections make it ready in 0.1 s."""
    client, peer = ports.url("etcd"), ports.url("etcd-peer")
    return [
        program, "--name=sandbox", f"--data-dir={folder}",
        f"--listen-client-urls={client}", f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}", f"--initial-cluster=sandbox={peer}",
        "--unsafe-no-fsync=true", "--log-level=warn", "--heartbeat-interval=20", "--election-timeout=200",
    ]  # fmt: skip


def apiserver_arguments(plane: ControlPlane) -> list[object]:
    """The flags of a server that serves our kinds, RBAC and admission policies, and little else."""
    cluster = plane.layout.cluster
    groups = ",".join(["api/all=false", *(f"{group}=true" for group in API_GROUPS)])
    return [
        plane.programs.apiserver, f"--etcd-servers={plane.ports.url('etcd')}", f"--cert-dir={cluster}",
        f"--tls-cert-file={cluster}/kube-apiserver.crt", f"--tls-private-key-file={cluster}/kube-apiserver.key",
        f"--client-ca-file={cluster}/ca.crt", "--bind-address=127.0.0.1", f"--secure-port={plane.ports['apiserver']}",
        "--service-cluster-ip-range=10.0.0.0/24", "--authorization-mode=RBAC",
        f"--service-account-issuer={plane.server}/", f"--service-account-key-file={cluster}/service-accounts.key",
        f"--service-account-signing-key-file={cluster}/service-accounts.key",
        f"--audit-policy-file={AUDIT_POLICY}", f"--audit-log-path={plane.layout.log('audit')}",
        "--audit-log-maxsize=100", "--audit-log-maxbackup=2",
        "--endpoint-reconciler-type=none", "--profiling=false", "--enable-priority-and-fairness=false",
        "--feature-gates=APIServerIdentity=false,UnknownVersionInteroperabilityProxy=false",
        f"--disable-admission-plugins={','.join(UNUSED_ADMISSION)}", f"--runtime-config={groups}",
    ]  # fmt: skip


def controllers_arguments(plane: ControlPlane) -> list[object]:
    """Namespaces really go away, and what an object owns goes with it."""
    cluster = plane.layout.cluster
    return [
        plane.programs.controller_manager, f"--kubeconfig={cluster}/controllers.kubeconfig", "--leader-elect=false",
        "--controllers=namespace-controller,garbage-collector-controller", "--bind-address=127.0.0.1",
        f"--secure-port={plane.ports['controller-manager']}", f"--cert-dir={cluster}/controllers",
        "--profiling=false", "--use-service-account-credentials=true", f"--root-ca-file={cluster}/ca.crt",
    ]  # fmt: skip


def http_ok(url: str, trust: ssl.SSLContext | None) -> bool:
    """Whether the address answers 200; proxies of the environment are not asked."""
    handlers: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler({})]
    if trust is not None:
        handlers.append(urllib.request.HTTPSHandler(context=trust))
    try:
        with urllib.request.build_opener(*handlers).open(url, timeout=5) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except urllib.error.HTTPError:
        return False
