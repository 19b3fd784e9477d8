"""The only connection to OpenStack: few calls, each with a deadline, each error translated once.

`Clouds` is one credential from clouds.yaml; `Clouds.project(id)` is the same user scoped to one project, with one
token that is reused until it expires. There is no version discovery: the catalogue's address is used as it
is, and completed with the version this code is written for when it names none. Nova is called with its base
microversion, whose answers carry flavor ids.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from keystoneauth1 import exceptions

from infra.cloud_answers import (
    Absent,
    Answer,
    OutcomeUnknown,
    disowns_token,
    error_from_answer,
    fault_content,
    items_of,
    next_page,
    readable,
)
from infra.correlation import headers as correlation
from infra.credential import Credential
from infra.errors import CloudRefused, CloudUnavailable, CredentialsRejected, KunlunError
from infra.login import Login, Logins, Service
from infra.measures import CloudMeasures
from infra.transport import Transport, asking, collection, ending_at

Query = Mapping[str, str | int]

DEADLINE_SECONDS = 60.0
MOST_PAGES = 1000
__all__ = ["Answer", "Cloud", "Clouds", "Limits", "Query", "Service"]


def _nothing() -> None:
    """The default of `before_change`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many calls are made at once, and how long each may take."""

    threads: int = 16
    deadline_seconds: float = DEADLINE_SECONDS


class Clouds:
    """One credential of clouds.yaml; the source of `Cloud`s, which share threads, connections and counters.

    A changed clouds.yaml is noticed; the `Cloud`s handed out before go on with the new credential.
    """

    def __init__(
        self,
        cloud: str,
        clouds_yaml: Path | None,
        *,
        limits: Limits = Limits(),
        before_change: Callable[[], None] = _nothing,
        measures: CloudMeasures | None = None,
    ) -> None:
        """`clouds_yaml` None: the places openstacksdk looks in. Reads the file, calls nothing.

        `before_change` is called in the thread that is about to send a request other than GET, logins apart; if it
        raises, nothing is sent and the caller gets its error.
        """
        self.measures = measures or CloudMeasures()
        self._pool = ThreadPoolExecutor(limits.threads, thread_name_prefix="openstack")
        transport = Transport(limits.threads, before_change=before_change, measures=self.measures)
        self._logins = Logins(Credential(cloud, clouds_yaml), transport)
        self._deadline_seconds = limits.deadline_seconds
        self._scoped: dict[str | None, Cloud] = {}

    def admin(self) -> Cloud:
        """Scoped as clouds.yaml says."""
        return self._scoped.setdefault(None, self._cloud(None))

    def project(self, project_id: str) -> Cloud:
        """The same user scoped to one project. Application credentials cannot be scoped anew."""
        return self._scoped.setdefault(project_id, self._cloud(project_id))

    def generation(self) -> int:
        """How often clouds.yaml was found to hold another credential than before. Looks; calls nothing."""
        return self._logins.generation()

    def _cloud(self, project_id: str | None) -> Cloud:
        return Cloud(self._logins, self._pool, project_id, deadline_seconds=self._deadline_seconds)

    def close(self) -> None:
        """Ends the threads; running calls are finished, waiting ones dropped."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class Cloud:
    """Calls in one scope. Every method raises errors of `infra.errors`, `Absent` for 404 among them.

    A change whose connection broke, or that was answered 5xx or unreadably, raises `OutcomeUnknown`.
    """

    def __init__(
        self,
        logins: Logins,
        pool: ThreadPoolExecutor,
        project_id: str | None = None,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
    ) -> None:
        self.project_id = project_id
        self.deadline_seconds = deadline_seconds  # of each call, the wait for a thread and a login included
        self._logins = logins
        self._pool = pool

    async def warm(self) -> None:
        """Gets the token now, so that the next call is sent at once."""
        await self._logged_in("token", lambda login: login.session.get_token())

    async def user_id(self) -> str:
        """The id of the user behind the credential."""
        return str(await self._logged_in("token", lambda login: login.session.get_user_id()))

    async def scope(self) -> str:
        """The id of the project the token is for."""
        return self.project_id or str(await self._logged_in("token", lambda login: login.session.get_project_id()))

    async def has(self, service: Service) -> bool:
        """Whether the catalogue offers the service at all."""
        try:
            await self._logged_in(f"catalogue of {service}", lambda login: login.address(service))
        except CloudRefused:
            return False
        return True

    async def get(
        self, service: Service, path: str, query: Query | None = None, *, microversion: str | None = None
    ) -> Answer:
        return await self._call("GET", service, _with_query(path, query), microversion=microversion)

    async def post(
        self, service: Service, path: str, body: Mapping[str, Any], *, microversion: str | None = None
    ) -> Answer:
        """`microversion` as the header wants it, such as "volume 3.42"."""
        return await self._call("POST", service, path, body, microversion=microversion)

    async def put(self, service: Service, path: str, body: Mapping[str, Any]) -> Answer:
        return await self._call("PUT", service, path, body)

    async def delete(self, service: Service, path: str) -> bool:
        """Absence is success: deleting twice is no error. False: OpenStack says that there is no such object."""
        try:
            await self._call("DELETE", service, path)
        except Absent:
            return False
        return True

    async def list(self, service: Service, path: str, query: Query | None = None) -> list[Answer]:
        """All pages of a collection; `path` may end with `/detail`. A page without its list is no empty page."""
        key = path.removesuffix("/detail").rsplit("/", 1)[-1].replace("-", "_")
        found: list[Answer] = []
        asked: dict[str, None] = {_with_query(path, query): None}
        while len(asked) <= MOST_PAGES:
            answer = await self._call("GET", service, next(reversed(asked)))
            found += items_of(answer, key, f"GET {collection(path)}")
            following = next_page(answer, key)
            if following is None:
                return found
            if (page := f"{path}?{following}") in asked:
                break
            asked[page] = None
        raise CloudUnavailable(f"OpenStack's pages of {collection(path)} do not end")

    async def _call(
        self,
        method: str,
        service: Service,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        microversion: str | None = None,
    ) -> Answer:
        asked = f"{method} {collection(path)}"
        headers = correlation() | ({"OpenStack-API-Version": microversion} if microversion else {})

        def send(login: Login) -> Any:
            url = f"{login.address(service)}/{path.lstrip('/')}"
            ask = partial(
                login.session.request, url, method, raise_exc=False, redirect=False, json=body, headers=headers
            )
            answer = asking(service, ask)
            if disowns_token(answer):
                # Of several calls that meet a revoked token at once, keystoneauth repeats only the one that renews it.
                if answer.status_code != HTTPStatus.UNAUTHORIZED:
                    login.session.invalidate()
                answer = asking(service, ask)
            return _checked(answer, asked)

        try:
            return readable(await self._logged_in(asked, send), asked, changes=method != "GET")
        except CloudUnavailable as error:
            raise _unknown_if_change(method, error) from error

    async def _logged_in(self, asked: str, work: Callable[[Login], Any]) -> Any:
        """With the present credential; if that is rejected and there is another by now, with that one."""
        login = self._logins.of(self.project_id)
        try:
            return await self._in_thread(asked, partial(work, login))
        except CredentialsRejected as error:
            if (renewed := self._logins.after_rejection(self.project_id)) is not login:
                return await self._in_thread(asked, partial(work, renewed))
            raise CredentialsRejected(error.message + self._logins.fault) from error

    async def _in_thread(self, asked: str, work: partial[Any]) -> Any:
        ends = time.monotonic() + self.deadline_seconds
        try:
            async with asyncio.timeout(self.deadline_seconds):
                return await asyncio.get_running_loop().run_in_executor(self._pool, ending_at, ends, work)
        except TimeoutError as error:
            raise CloudUnavailable(f"no answer to {asked} within {self.deadline_seconds:.0f} s") from error
        except exceptions.ConnectTimeout as error:
            raise CloudUnavailable(f"no answer to {asked} within {self.deadline_seconds:.0f} s") from error
        except (exceptions.ConnectionError, exceptions.DiscoveryFailure) as error:
            raise CloudUnavailable(f"OpenStack does not answer to {asked}") from error
        except exceptions.HttpError as error:  # only tokens: all other calls use raise_exc=False
            raise _error_from_login(error) from error
        except exceptions.CatalogException as error:
            raise CloudRefused(f"the catalogue of the cloud offers nothing for {asked}") from error
        except exceptions.ClientException as error:
            raise CredentialsRejected(f"cannot log in to OpenStack: {error}") from error


def _checked(response: Any, asked: str) -> Any:
    if response.status_code >= HTTPStatus.BAD_REQUEST:
        raise error_from_answer(response.status_code, fault_content(response), response.headers, asked)
    return response


def _error_from_login(error: exceptions.HttpError) -> KunlunError:
    headers = error.response.headers if error.response is not None else {}
    return error_from_answer(error.http_status or 500, error.message, headers, "the login")


def _unknown_if_change(method: str, error: CloudUnavailable) -> CloudUnavailable:
    if method == "GET":
        return error
    return OutcomeUnknown(error.message, retry_after_seconds=error.retry_after_seconds)


def _with_query(path: str, query: Query | None) -> str:
    return f"{path}?{urlencode(query)}" if query else path
