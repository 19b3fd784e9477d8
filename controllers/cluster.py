"""The Kubernetes API as the operator uses it: a few calls, all level-triggered and safe to repeat.

Server-side apply writes whole statuses and finalizers, so there is no read-modify-write anywhere. A 404 on
a write means the object is gone, which is an answer, not an error. Reference: Kubernetes API concepts,
"Server-Side Apply"; authorization.k8s.io/v1 SubjectAccessReview.
"""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any

import aiohttp
import yaml

from controllers.api import API_VERSION
from controllers.api.stored import Kind, Meta
from controllers.measures import ClusterMeasures
from infra.errors import ClusterRefused, ClusterUnavailable
from infra.measures import UNANSWERED

FIELD_MANAGER = "kunlun-operator"
DEADLINE_SECONDS = 10
JSON = "application/json"
METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
COME_BACK_LATER = {HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}


@dataclass(frozen=True, slots=True)
class Access:
    """Where the API server is and how to be believed there. `token_file` is re-read: tokens rotate."""

    server: str
    tls: ssl.SSLContext
    token_file: Path | None = None
    token: str | None = None

    def headers(self) -> dict[str, str]:
        token = self.token_file.read_text(encoding="utf-8").strip() if self.token_file else self.token
        return {"Authorization": f"Bearer {token}"} if token else {}


@dataclass(frozen=True, slots=True)
class Listing:
    """What there was at one version of the whole cluster."""

    version: int
    uids: frozenset[str]


def access_from_kubeconfig(path: Path) -> Access:
    """The current context of a kubeconfig: token, or client certificate; files or inline data."""
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    context = _named(config["contexts"], config["current-context"])["context"]
    cluster = _named(config["clusters"], context["cluster"])["cluster"]
    user = _named(config["users"], context["user"])["user"]
    tls = ssl.create_default_context(cadata=_material(cluster, "certificate-authority"))
    if certificate := _material(user, "client-certificate"):
        with tempfile.NamedTemporaryFile("w", suffix=".pem") as pem:
            pem.write(certificate + (_material(user, "client-key") or ""))
            pem.flush()
            tls.load_cert_chain(pem.name)
    return Access(cluster["server"], tls, token=user.get("token"))


def access_from_service_account(server: str, folder: Path = SERVICE_ACCOUNT) -> Access:
    """What a pod is given."""
    return Access(server, ssl.create_default_context(cafile=str(folder / "ca.crt")), token_file=folder / "token")


def _named(entries: Iterable[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)


def _material(section: Mapping[str, Any], key: str) -> str | None:
    if inline := section.get(f"{key}-data"):
        return base64.b64decode(inline).decode()
    return Path(section[key]).read_text(encoding="utf-8") if key in section else None


class Cluster:
    """An open connection. Every call has a deadline and raises ClusterUnavailable when it should be repeated."""

    def __init__(
        self,
        find_access: Callable[[], Access],
        *,
        before_change: Callable[[], None] = lambda: None,
        measures: ClusterMeasures | None = None,
    ) -> None:
        """`find_access` is asked again when the API server no longer believes what it gave: tokens are renewed.

        `before_change` is called directly before each request that is not a read; what it raises is raised, and
        nothing is sent.
        """
        self._find_access = find_access
        self._before_change = before_change
        self.measures = measures or ClusterMeasures()
        self._access = access = find_access()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=access.tls, limit=50),
            timeout=aiohttp.ClientTimeout(total=DEADLINE_SECONDS),
        )

    async def __aenter__(self) -> Cluster:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def objects(
        self, kind: Kind[Any, Any], namespace: str, *, field_selector: str | None = None
    ) -> list[dict[str, Any]]:
        """All objects of a kind in a namespace, from the API server itself, not from a cache."""
        query = {"fieldSelector": field_selector} if field_selector else {}
        answer = await self._call("GET", _path(kind, namespace), query=query)
        return list(answer["items"]) if answer else []

    async def get(self, kind: Kind[Any, Any], namespace: str, name: str) -> dict[str, Any] | None:
        """One object, from the API server itself."""
        return await self._call("GET", _path(kind, namespace, name))

    async def merge_status(self, kind: Kind[Any, Any], meta: Meta, version: str, change: Mapping[str, Any]) -> bool:
        """Change a part of the status of the very version that was read. False: somebody was faster, or it is gone."""
        body = {"metadata": {"uid": meta.uid, "resourceVersion": version}, "status": change}
        headers = {"Content-Type": "application/merge-patch+json"}
        path = f"{_path(kind, meta.namespace, meta.name)}/status"
        return await self._call("PATCH", path, body=body, headers=headers, conflict_is_none=True) is not None

    async def listing(self, kind: Kind[Any, Any], *, limit: int | None = None) -> Listing | None:
        """Which objects of a kind the whole cluster has, by the API server itself. None when it has no such kind."""
        query = {"limit": str(limit)} if limit else {}
        answer = await self._call("GET", _path(kind, ""), query=query, headers={"Accept": METADATA_ONLY})
        if answer is None:
            return None
        uids = frozenset(item["metadata"]["uid"] for item in answer["items"] or ())  # null when empty
        return Listing(int(answer["metadata"]["resourceVersion"]), uids)

    async def create(self, kind: Kind[Any, Any], body: Mapping[str, Any]) -> dict[str, Any] | None:
        """Create an object. None when one of that name exists already."""
        complete = {"apiVersion": API_VERSION, "kind": kind.name, **body}
        return await self._call(
            "POST", _path(kind, body["metadata"].get("namespace", "")), body=complete, exists_is_none=True
        )

    async def delete(self, kind: Kind[Any, Any], meta: Meta) -> None:
        """Delete this very object (by uid). Absence is success."""
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": meta.uid}}
        await self._call("DELETE", _path(kind, meta.namespace, meta.name), body=body)

    async def delete_unchanged(self, kind: Kind[Any, Any], meta: Meta) -> None:
        """The same, of the very version that was read. Raises ClusterUnavailable when it has changed since."""
        preconditions = {"uid": meta.uid, "resourceVersion": str(meta.version)}
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions}
        await self._call("DELETE", _path(kind, meta.namespace, meta.name), body=body)

    async def apply_status(self, kind: Kind[Any, Any], meta: Meta, status: Mapping[str, Any]) -> dict[str, Any] | None:
        """Write the whole status. None when the object is gone. An equal status costs no new version."""
        body = {"apiVersion": API_VERSION, "kind": kind.name, "status": status}
        return await self._apply(f"{_path(kind, meta.namespace, meta.name)}/status", FIELD_MANAGER, body)

    async def apply_finalizers(self, kind: Kind[Any, Any], meta: Meta, finalizers: list[str]) -> dict[str, Any] | None:
        """Own exactly these finalizers on this very object (by uid); others keep theirs."""
        metadata: dict[str, Any] = {"uid": meta.uid}
        if finalizers:
            metadata["finalizers"] = finalizers
        body = {"apiVersion": API_VERSION, "kind": kind.name, "metadata": metadata}
        return await self._apply(_path(kind, meta.namespace, meta.name), f"{FIELD_MANAGER}-finalizer", body)

    async def lease(self, namespace: str, name: str) -> dict[str, Any] | None:
        """A coordination.k8s.io/v1 Lease, or None."""
        return await self._call("GET", _lease_path(namespace, name))

    async def write_lease(self, lease: Mapping[str, Any]) -> dict[str, Any] | None:
        """Create it, or replace the very version it was read with; None when neither it nor its namespace is there.

        Raises ClusterUnavailable when somebody else was faster.
        """
        meta = lease["metadata"]
        if "resourceVersion" in meta:
            return await self._call("PUT", _lease_path(meta["namespace"], meta["name"]), body=lease)
        return await self._call("POST", _lease_path(meta["namespace"]), body=lease)

    async def post_event(self, namespace: str, event: Mapping[str, Any]) -> None:
        """Record a core/v1 Event. One of that name that exists already is this one."""
        body = {"apiVersion": "v1", "kind": "Event", **event}
        path = f"/api/v1/namespaces/{namespace or 'default'}/events"
        await self._call("POST", path, body=body, exists_is_none=True)

    async def may_approve(self, user: str, groups: Iterable[str], *, stage: str, namespace: str) -> bool:
        """Whether a person holds the verb `approve` on a stage right now."""
        return await self._may(user, groups, {"resource": "stages", "name": stage, "verb": "approve"}, namespace)

    async def may_sign(self, user: str, groups: Iterable[str], *, party: str, namespace: str) -> bool:
        """Whether a person holds the verb `sign` on a party right now."""
        return await self._may(user, groups, {"resource": "parties", "name": party, "verb": "sign"}, namespace)

    async def _may(self, user: str, groups: Iterable[str], what: Mapping[str, str], namespace: str) -> bool:
        attributes = {"group": "kunlun.cloud", **what, "namespace": namespace}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "groups": list(groups), "resourceAttributes": attributes},
        }
        answer = await self._call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body=review)
        return bool(answer and answer["status"].get("allowed"))

    async def _apply(self, path: str, manager: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        query = {"fieldManager": manager, "force": "true"}
        headers = {"Content-Type": "application/apply-patch+yaml"}
        return await self._call("PATCH", path, query=query, body=body, headers=headers)

    async def _call(  # noqa: PLR0913
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
        exists_is_none: bool = False,
        conflict_is_none: bool = False,
    ) -> dict[str, Any] | None:
        data = None if body is None else json.dumps(body)
        code, content = await self._send(method, path, query, data, headers)
        if code == HTTPStatus.UNAUTHORIZED:
            self._access = self.renewed_access()
            code, content = await self._send(method, path, query, data, headers)
        if code == HTTPStatus.CONFLICT and conflict_is_none:
            return None
        return _answer(code, content, exists_is_none=exists_is_none)

    def renewed_access(self) -> Access:
        """As it is now, for another connection. Raises ClusterUnavailable while it cannot be read."""
        try:
            return self._find_access()
        except (OSError, ValueError, LookupError, StopIteration, yaml.YAMLError) as error:  # it may be half written
            raise ClusterUnavailable(f"the access to the Kubernetes API cannot be read: {error}") from error

    async def _send(
        self, method: str, path: str, query: Mapping[str, str] | None, data: str | None, headers: Mapping[str, str]
    ) -> tuple[int, Any]:
        if method != "GET":
            self._before_change()
        code = UNANSWERED
        try:
            complete = {"Content-Type": JSON, **headers, **self._access.headers()}
            async with self._session.request(
                method, self._access.server + path, params=query, data=data, headers=complete
            ) as reply:
                content = await reply.json(content_type=None) if reply.content_type == JSON else None
                code = str(reply.status)
                return reply.status, content
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise ClusterUnavailable(f"the Kubernetes API did not answer: {error}") from error
        finally:
            self.measures.count(method, path, code)


def _answer(code: int, content: Any, *, exists_is_none: bool) -> dict[str, Any] | None:
    if code < HTTPStatus.BAD_REQUEST:
        if not isinstance(content, dict):  # of a proxy that answers in its stead
            raise ClusterUnavailable("the Kubernetes API answered something that is no object")
        return content
    details = content if isinstance(content, dict) else {}
    message = str(details.get("message", f"HTTP {code}"))
    if code == HTTPStatus.NOT_FOUND:
        return None
    if code == HTTPStatus.CONFLICT and exists_is_none and details.get("reason") == "AlreadyExists":
        return None
    if code in COME_BACK_LATER or code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ClusterUnavailable(f"the Kubernetes API asks to come back later: {message}")
    raise ClusterRefused(message)


def _path(kind: Kind[Any, Any], namespace: str, name: str | None = None) -> str:
    scope = f"/namespaces/{namespace}" if namespace else ""
    tail = f"/{name}" if name else ""
    return f"/apis/{API_VERSION}{scope}/{kind.plural}{tail}"


def _lease_path(namespace: str, name: str | None = None) -> str:
    tail = f"/{name}" if name else ""
    return f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases{tail}"
