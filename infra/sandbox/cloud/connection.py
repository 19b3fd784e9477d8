"""Talking to the sandbox's own OpenStack as its administrator, and the clouds.yaml that lets others do so.

The SDK is imported where it is used: a warm start never needs it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from infra.sandbox.cloud.site import REGION, Site
from infra.sandbox.layout import write_private

if TYPE_CHECKING:
    from openstack.connection import Connection
    from openstack.identity.v3._proxy import Proxy as Identity

ADMIN, OPERATOR, OPERATOR_PROJECT = "admin", "kunlun-operator", "kunlun"


def write_clouds(site: Site) -> None:
    """`admin` is the cloud's administrator, `kunlun` the operator's own user."""
    clouds = {"kunlun": credentials(site, OPERATOR, OPERATOR_PROJECT), "admin": credentials(site, ADMIN, ADMIN)}
    write_private(site.layout.clouds, json.dumps({"clouds": clouds}, indent=1))


def credentials(site: Site, user: str, project: str) -> dict[str, Any]:
    """One entry of clouds.yaml (JSON is YAML)."""
    return {
        "auth": {
            "auth_url": f"{site.ports.url('identity')}/v3",
            "username": user,
            "password": site.password,
            "project_name": project,
            "user_domain_id": "default",
            "project_domain_id": "default",
        },
        "region_name": REGION,
        "interface": "public",
        "identity_api_version": 3,
    }


def administrator(site: Site) -> Connection:
    """A connection as the cloud's administrator."""
    import openstack

    return openstack.connect(load_yaml_config=False, load_envvars=False, **credentials(site, ADMIN, ADMIN))


def identity_of(cloud: Connection) -> Identity:
    """Keystone's third API; the SDK's types still allow for the second."""
    return cast("Identity", cloud.identity)
