"""The services' configuration files, written from templates at every start."""

from __future__ import annotations

import shutil
from pathlib import Path
from string import Template

from infra.sandbox.cloud.site import HOST, REGION, Site
from infra.sandbox.layout import write_private

TEMPLATES = Path(__file__).parent / "templates"
# Glance looks for a file of this name; the others for their own.
FILES = {"glance": "glance-api.conf"}
SERVICES = ("keystone", "glance", "placement", "nova", "neutron", "cinder")
DATABASES = ("keystone", "glance", "placement", "nova", "nova_api", "neutron", "cinder")
CONNECTIONS = 20  # kept open by each service: what a pool has beyond its size, it opens and closes for every call


def configuration_file(site: Site, service: str) -> Path:
    """Where a service's configuration lies."""
    return site.layout.etc / service / FILES.get(service, f"{service}.conf")


def write_configuration(site: Site) -> None:
    """Write every service's file, and put the paste files of their packages beside them."""
    values = template_values(site)
    for service in SERVICES:
        target = configuration_file(site, service)
        target.parent.mkdir(exist_ok=True)
        write_private(target, Template((TEMPLATES / f"{service}.conf").read_text()).substitute(values))
        for paste in (site.venv / "etc" / service).glob("*-paste.ini"):
            shutil.copy(paste, target.parent)
        # Nothing of our own. A file that is missing is searched for in six folders whenever a rule is asked.
        (target.parent / "policy.yaml").touch()


def template_values(site: Site) -> dict[str, str]:
    """Everything the templates name."""
    return {
        "host": HOST,
        "state": str(site.state),
        "scratch": str(site.scratch),
        "venv": str(site.venv),
        "ovsdb": site.ovsdb,
        "image_url": site.ports.url("image"),
        "rabbit_port": str(site.ports["rabbitmq"]),
        **{f"database_{name}": database(site, name) for name in DATABASES},
        **{f"auth_{service}": authentication(site, service) for service in SERVICES},
        **{f"token_{service}": token_checking(site, service) for service in SERVICES},
    }


def database(site: Site, name: str) -> str:
    """How a service reaches a database (oslo.db's options). The driver would prepare TLS, which nobody speaks here."""
    address = f"127.0.0.1:{site.ports['mariadb']}"
    return "\n".join(
        [
            f"connection = mysql+pymysql://cloud:{site.password}@{address}/{name}?ssl_disabled=true",
            f"max_pool_size = {CONNECTIONS}",
        ]
    )


def authentication(site: Site, user: str) -> str:
    """How a service logs in at Keystone (keystoneauth's options)."""
    return "\n".join(
        [
            f"auth_url = {site.ports.url('identity')}/v3",
            "auth_type = password",
            f"username = {user}",
            f"password = {site.password}",
            "project_name = service",
            "user_domain_id = default",
            "project_domain_id = default",
            f"region_name = {REGION}",
        ]
    )


def token_checking(site: Site, user: str) -> str:
    """How a service checks its callers' tokens (keystonemiddleware's options)."""
    return "\n".join(
        [
            authentication(site, user),
            f"www_authenticate_uri = {site.ports.url('identity')}/v3",
            "service_token_roles = service",
            "service_token_roles_required = true",
            "memcache_use_advanced_pool = false",
        ]
    )
