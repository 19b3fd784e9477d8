"""Sessions: the credential scoped to one project or another, made anew when the credential is another one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import requests
from keystoneauth1 import exceptions, loading
from keystoneauth1.discover import Discover
from keystoneauth1.plugin import BaseAuthPlugin
from keystoneauth1.session import Session
from openstack.config.cloud_region import CloudRegion

from infra.credential import Credential
from infra.transport import Transport, is_version

Service = Literal["network", "compute", "volume", "image", "identity", "placement"]

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


@dataclass(frozen=True, slots=True)
class Login:
    """One scope of one credential. Its token is reused until it expires."""

    session: Session
    region: CloudRegion
    addresses: dict[Service, str] = field(default_factory=dict)

    def address(self, service: Service) -> str:
        """Out of the catalogue, for which it may have to log in. Raises EndpointNotFound."""
        if service not in self.addresses:
            kind = _CATALOGUE_TYPE.get(service, service)
            found = self.region.get_endpoint(kind) or self.session.get_endpoint(
                service_type=kind,
                interface=self.region.get_interface(kind),
                region_name=self.region.get_region_name(kind),
            )
            if found is None:
                raise exceptions.EndpointNotFound(f"{service} has no address")
            self.addresses[service] = _with_version(found, _VERSION.get(service))
        return self.addresses[service]


class Logins:
    """The logins of the present credential, one a project; None is the scope clouds.yaml names."""

    def __init__(self, credential: Credential, transport: Transport) -> None:
        self._credential = credential
        self._discovered: dict[str, Discover] = {}  # Keystone's versions, found once for all scopes
        self._connections = requests.Session()
        for scheme in ("http://", "https://"):
            self._connections.mount(scheme, transport)
        self._known: dict[str | None, Login] = {}
        self._generation = credential.generation

    @property
    def fault(self) -> str:
        """What to add to the news that a credential was rejected."""
        found = self._credential.fault
        return f"; the operator's clouds.yaml has changed, but {found}" if found else ""

    def of(self, project_id: str | None) -> Login:
        """By the credential as the file has it now."""
        self.generation()
        if project_id not in self._known:
            self._known[project_id] = self._made(project_id)
        return self._known[project_id]

    def generation(self) -> int:
        """Of the credential as the file has it now. Cheap; ask as often as you like."""
        self._credential.refresh()
        if self._generation != self._credential.generation:
            self._generation = self._credential.generation
            self._known.clear()
        return self._generation

    def after_rejection(self, project_id: str | None) -> Login:
        """As `of`, by a look at the file that is made now. The same login as before if it has not changed."""
        self._credential.refresh_now()
        return self.of(project_id)

    def _made(self, project_id: str | None) -> Login:
        region = self._credential.region
        if project_id is None:
            return Login(self._session(region, region.get_auth()), region)
        auth = {key: value for key, value in region.config["auth"].items() if key not in _SCOPE}
        loader: loading.BaseLoader[Any] = loading.get_plugin_loader(region.config["auth_type"])
        return Login(self._session(region, loader.load_from_options(**auth, project_id=project_id)), region)

    def _session(self, region: CloudRegion, auth: BaseAuthPlugin | None) -> Session:
        verify, cert = region.get_requests_verify_args()
        return Session(
            auth=auth,
            session=self._connections,
            verify=verify,
            cert=cert,
            user_agent=USER_AGENT,
            discovery_cache=self._discovered,
        )


def _with_version(address: str, version: str | None) -> str:
    """`http://nova` -> `http://nova/v2.1`; an address that names a version is left alone."""
    named = version is None or any(is_version(part) for part in urlsplit(address).path.split("/"))
    return address.rstrip("/") if named else f"{address.rstrip('/')}/{version}"
