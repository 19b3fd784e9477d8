"""Putting the proxy between the operator and its two worlds: a rewritten clouds.yaml and a rewritten kubeconfig."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from keystoneauth1.exceptions import EndpointNotFound
from openstack.config import OpenStackConfig

from controllers.cluster import access_from_kubeconfig
from infra.sandbox.layout import write_private
from tests.faults.calls import KUBERNETES
from tests.faults.proxy import FaultProxy

# The service as `infra.cloud` calls it, and as clouds.yaml and the catalogue do.
CATALOGUE_TYPES: Mapping[str, str] = {
    "identity": "identity",
    "network": "network",
    "compute": "compute",
    "image": "image",
    "volume": "block-storage",
}


def addresses(clouds_yaml: Path, cloud: str) -> dict[str, str]:
    """Where the catalogue says each service is; those it does not offer are left out."""
    region = OpenStackConfig(config_files=[str(clouds_yaml)]).get_one(cloud=cloud)
    session = region.get_session()
    found: dict[str, str] = {}
    for service, kind in CATALOGUE_TYPES.items():
        with suppress(EndpointNotFound):
            address = session.get_endpoint(service_type=kind, interface="public", region_name=region.get_region_name())
            found[service] = str(address)
    return found


def proxy_between(clouds_yaml: Path, cloud: str, kubeconfig: Path) -> FaultProxy:
    """A proxy for every endpoint of the cloud and for the Kubernetes API; not started yet."""
    access = access_from_kubeconfig(kubeconfig)
    return FaultProxy({**addresses(clouds_yaml, cloud), KUBERNETES: access.server}, access.tls)


def write_clouds(proxy: FaultProxy, clouds_yaml: Path, cloud: str, target: Path) -> Path:
    """The same credential, with every endpoint behind the proxy."""
    content = yaml.safe_load(clouds_yaml.read_text(encoding="utf-8"))
    entry: dict[str, Any] = content["clouds"][cloud]
    overrides = {
        f"{kind.replace('-', '_')}_endpoint_override": proxy.address(service)
        for service, kind in CATALOGUE_TYPES.items()
        if proxy.serves(service)
    }
    auth_url = f"{proxy.address('identity').rstrip('/').removesuffix('/v3')}/v3"
    changed = {**entry, **overrides, "auth": {**entry["auth"], "auth_url": auth_url}}
    write_private(target, json.dumps({"clouds": {cloud: changed}}, indent=1))
    return target


def write_kubeconfig(proxy: FaultProxy, kubeconfig: Path, target: Path) -> Path:
    """The same bearer token, sent to the proxy in the clear: it never leaves this machine."""
    content = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    for cluster in content["clusters"]:
        cluster["cluster"] = {"server": proxy.address(KUBERNETES)}
    write_private(target, json.dumps(content, indent=1))
    return target
