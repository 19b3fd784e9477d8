"""The only connection to OpenStack: few calls, each with a deadline, each error translated once.

`Clouds` is one credential from clouds.yaml; `Clouds.project(id)` is the same user scoped to one project, with one
token that is reused until it expires. There is no version discovery: the catalogue's address is used as it
is, and completed with the version this code is written for when it names none. Nova is called with its base
microversion, whose answers carry flavor ids.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit

from keystoneauth1 import exceptions, loading
from keystoneauth1.discover import Discover
from keystoneauth1.plugin import BaseAuthPlugin
from keystoneauth1.session import Session, TCPKeepAliveAdapter
from openstack.config import OpenStackConfig
from openstack.config.cloud_region import CloudRegion

from infra.cloud_answers import Absent, OutcomeUnknown, error_from_answer
from infra.errors import CloudRefused, CloudUnavailable, CredentialsRejected, KunlunError

Service = Literal["network", "compute", "volume", "image", "identity"]
Query = Mapping[str, str | int]
Answer = dict[str, Any]

DEADLINE_SECONDS = 60.0
USER_AGENT = "kunlun/0.1"

_CATALOGUE_TYPE: Mapping[Service, str] = {"volume": "block-storage"}
_VERSION: Mapping[Service, str] = {
    "network": "v2.0",
    "compute": "v2.1",
    "volume": "v3",
    "image": "v2",
    "identity": "v3",
}
_SCOPE = frozenset(
    {"project_id", "project_name", "project_domain_id", "project_domain_name", "system_scope", "domain_id"}
    | {"domain_name", "tenant_id", "tenant_name", "default_domain_id", "default_domain_name"}
)


class Clouds:
    """One credential of clouds.yaml; the source of `Cloud`s, which share threads, connections and counters.

    `calls` counts every request sent, tokens included, by (method, collection).
    """

    def __init__(
        self,
        cloud: str,
        clouds_yaml: Path | None,
        *,
        threads: int = 16,
        before_change: Callable[[], None] = lambda: None,
    ) -> None:
        """`clouds_yaml` None: the places openstacksdk looks in. Reads the file, calls nothing.

        `before_change` is called in the sending thread, directly before each request that is not a read (logins are
        reads); what it raises is raised, and nothing is sent.
        """
        files = [str(clouds_yaml)] if clouds_yaml else None
        self._before_change = before_change
        self._region: CloudRegion = OpenStackConfig(config_files=files).get_one(cloud=cloud)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="openstack")
        self._scoped: dict[str, Cloud] = {}
        self._discovered: dict[str, Discover] = {}  # Keystone's versions, found once for all scopes
        self.calls: Counter[tuple[str, str]] = Counter()
        self._base = self._session(self._region.get_auth())
        adapter = TCPKeepAliveAdapter(pool_maxsize=threads)
        for scheme in ("http://", "https://"):
            self._base.session.mount(scheme, adapter)
        self._admin = Cloud(self._base, self._region, self._pool)

    def admin(self) -> Cloud:
        """Scoped as clouds.yaml says."""
        return self._admin

    def project(self, project_id: str) -> Cloud:
        """The same user scoped to one project. Application credentials cannot be scoped anew."""
        if project_id not in self._scoped:
            auth = {key: value for key, value in self._region.config["auth"].items() if key not in _SCOPE}
            loader: loading.BaseLoader[Any] = loading.get_plugin_loader(self._region.config["auth_type"])
            plugin = loader.load_from_options(**auth, project_id=project_id)
            self._scoped[project_id] = Cloud(self._session(plugin), self._region, self._pool, project_id)
        return self._scoped[project_id]

    def close(self) -> None:
        """Ends the threads; running calls are finished, waiting ones dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _session(self, auth: BaseAuthPlugin | None) -> _CountingSession:
        verify, cert = self._region.get_requests_verify_args()
        transport = self._base.session if hasattr(self, "_base") else None
        session = _CountingSession(
            auth=auth,
            session=transport,
            verify=verify,
            cert=cert,
            user_agent=USER_AGENT,
            timeout=DEADLINE_SECONDS,
            discovery_cache=self._discovered,
        )
        session.calls, session.before_change = self.calls, self._before_change
        return session


class _CountingSession(Session):
    """Counts what is really sent: token requests and repetitions after an expired token, too."""

    calls: Counter[tuple[str, str]]
    before_change: Callable[[], None]

    def request(self, url: str, method: str, *args: Any, **kwargs: Any) -> Any:
        self.calls[method, _collection(urlsplit(url).path)] += 1
        return super().request(url, method, *args, **kwargs)


class Cloud:
    """Calls in one scope. Every method raises errors of `infra.errors`, `Absent` for 404 among them.

    A change whose connection broke, or that was answered 5xx, raises `OutcomeUnknown`.
    """

    def __init__(
        self, session: _CountingSession, region: CloudRegion, pool: ThreadPoolExecutor, project_id: str | None = None
    ) -> None:
        self.project_id = project_id
        self._session = session
        self._region = region
        self._pool = pool
        self._addresses: dict[Service, str] = {}
        self.deadline_seconds = DEADLINE_SECONDS  # of each call

    async def warm(self) -> None:
        """Gets the token now, so that the next call is sent at once."""
        await self._in_thread("token", partial(self._session.get_token))

    async def user_id(self) -> str:
        """The id of the user behind the credential."""
        return str(await self._in_thread("token", partial(self._session.get_user_id)))

    async def has(self, service: Service) -> bool:
        """Whether the catalogue offers the service at all."""
        try:
            await self._in_thread(f"catalogue of {service}", partial(self._address, service))
        except CloudRefused:
            return False
        return True

    async def get(self, service: Service, path: str, query: Query | None = None) -> Answer:
        return await self._call("GET", service, _with_query(path, query))

    async def post(
        self, service: Service, path: str, body: Mapping[str, Any], *, microversion: str | None = None
    ) -> Answer:
        """`microversion` as the header wants it, such as "volume 3.42"."""
        return await self._call("POST", service, path, body, microversion=microversion)

    async def put(self, service: Service, path: str, body: Mapping[str, Any]) -> Answer:
        return await self._call("PUT", service, path, body)

    async def delete(self, service: Service, path: str) -> None:
        """Absence is success: deleting twice is no error."""
        try:
            await self._call("DELETE", service, path)
        except Absent:
            return

    async def list(self, service: Service, path: str, query: Query | None = None) -> list[Answer]:
        """All pages of a collection; `path` may end with `/detail`."""
        key = path.removesuffix("/detail").rsplit("/", 1)[-1].replace("-", "_")
        found: list[Answer] = []
        asked = _with_query(path, query)
        while True:
            answer = await self._call("GET", service, asked)
            found += answer.get(key, [])
            following = [link["href"] for link in answer.get(f"{key}_links", []) if link.get("rel") == "next"]
            if not following:
                return found
            asked = f"{path}?{urlsplit(following[0]).query}"

    async def _call(
        self,
        method: str,
        service: Service,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        microversion: str | None = None,
    ) -> Answer:
        asked = f"{method} {_collection(path)}"
        headers = {"OpenStack-API-Version": microversion} if microversion else {}
        send = partial(self._send, method, service, path, json=body, headers=headers)
        try:
            response = await self._in_thread(asked, send)
        except CloudUnavailable as error:
            raise _unknown_if_change(method, error) from error
        answer = _parsed(response)
        if response.status_code < HTTPStatus.BAD_REQUEST:
            return answer if isinstance(answer, dict) else {}
        raise _unknown_if_change(method, error_from_answer(response.status_code, answer, response.headers, asked))

    def _send(self, method: str, service: Service, path: str, **content: Any) -> Any:
        url = f"{self._address(service)}/{path.lstrip('/')}"
        if method != "GET":
            self._session.before_change()
        return self._session.request(url, method, raise_exc=False, redirect=False, **content)

    def _address(self, service: Service) -> str:
        if service not in self._addresses:
            kind = _CATALOGUE_TYPE.get(service, service)
            found = self._region.get_endpoint(kind) or self._session.get_endpoint(
                service_type=kind,
                interface=self._region.get_interface(kind),
                region_name=self._region.get_region_name(kind),
            )
            if found is None:
                raise exceptions.EndpointNotFound(f"{service} has no address")
            self._addresses[service] = _with_version(found, _VERSION[service])
        return self._addresses[service]

    async def _in_thread(self, asked: str, call: partial[Any]) -> Any:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.deadline_seconds):
                return await loop.run_in_executor(self._pool, call)
        except TimeoutError as error:
            raise CloudUnavailable(f"no answer to {asked} within {self.deadline_seconds:.0f} s") from error
        except (exceptions.ConnectionError, exceptions.DiscoveryFailure) as error:
            raise CloudUnavailable(f"OpenStack does not answer to {asked}") from error
        except exceptions.HttpError as error:  # only tokens: all other calls use raise_exc=False
            raise _error_from_login(error) from error
        except exceptions.CatalogException as error:
            raise CloudRefused(f"the catalogue of the cloud offers nothing for {asked}") from error
        except exceptions.ClientException as error:
            raise CredentialsRejected(f"cannot log in to OpenStack: {error}") from error


def _error_from_login(error: exceptions.HttpError) -> KunlunError:
    return error_from_answer(error.http_status or 500, error.message, {}, "the login")


def _unknown_if_change(method: str, error: KunlunError) -> KunlunError:
    if method != "GET" and isinstance(error, CloudUnavailable):
        return OutcomeUnknown(error.message, retry_after_seconds=error.retry_after_seconds)
    return error


def _parsed(response: Any) -> Any:
    try:
        return response.json() if response.content else {}
    except ValueError:
        return response.text


def _with_version(address: str, version: str) -> str:
    """`http://nova` -> `http://nova/v2.1`; an address that names a version is left alone."""
    named = any(_is_version(part) for part in urlsplit(address).path.split("/"))
    return address.rstrip("/") if named else f"{address.rstrip('/')}/{version}"


def _with_query(path: str, query: Query | None) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _collection(path: str) -> str:
    """`/network/v2.0/routers/<id>/add_router_interface` -> `routers/add_router_interface`: words, without ids."""
    parts = path.partition("?")[0].strip("/").split("/")
    versions = [place for place, part in enumerate(parts) if _is_version(part)]
    words = parts[versions[-1] + 1 :] if versions else parts
    return "/".join(word for word in words if word and not any(letter.isdigit() for letter in word))


def _is_version(part: str) -> bool:
    return part[:1] == "v" and part[1:2].isdigit()
