"""The people of the sandbox: who they are to the API server, and a kubeconfig for each."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path

from infra.sandbox.certificates import Authority, Identity
from infra.sandbox.layout import Layout, write_private

DEPARTMENT = "civil-affairs"


@dataclass(frozen=True, slots=True)
class Persona:
    """A person (or a pipeline) who uses Kunlun; `namespace` is where their kubectl looks first."""

    name: str
    user: str
    group: str
    namespace: str = DEPARTMENT


PERSONAS = (
    Persona("clerk", "li.na", "kunlun:civil-affairs"),
    Persona("officer", "zhang.wei", "kunlun:resource-office"),
    Persona("security", "chen.jing", "kunlun:security"),
    Persona("finance", "zhao.min", "kunlun:finance"),
    Persona("provider", "ops.wang", "kunlun:cloud-provider", "default"),
    Persona("ci", "ci-pipeline", "kunlun:civil-affairs"),
    Persona("auditor", "sun.li", "kunlun:audit"),
)


def write_kubeconfigs(layout: Layout, server: str, authority: Authority) -> None:
    """The administrator's kubeconfig, and one for each persona; rewritten whole, since ports may have moved."""
    ca = authority.certificate_file
    admin = authority.client("kunlun-sandbox-admin", ["system:masters"])
    write_private(layout.kubeconfig, with_certificate(server, ca, "admin", admin, "default"))
    for persona in PERSONAS:
        identity = authority.client(persona.user, [persona.group])
        text = with_certificate(server, ca, persona.user, identity, persona.namespace)
        write_private(layout.users / f"{persona.name}.kubeconfig", text)


def with_certificate(server: str, ca: Path, user: str, identity: Identity, namespace: str) -> str:
    """A kubeconfig for somebody with a client certificate."""
    credentials = {
        "client-certificate-data": encoded(identity.certificate),
        "client-key-data": encoded(identity.key),
    }
    return kubeconfig(server, ca, user, credentials, namespace)


def with_token(server: str, ca: Path, user: str, token: str, namespace: str) -> str:
    """A kubeconfig for somebody with a bearer token."""
    return kubeconfig(server, ca, user, {"token": token}, namespace)


def kubeconfig(server: str, ca: Path, user: str, credentials: dict[str, str], namespace: str) -> str:
    """The file format of kubectl (JSON is YAML), complete in itself: it names no other file."""
    cluster = {"server": server, "certificate-authority-data": encoded(ca.read_text())}
    context = {"cluster": "sandbox", "user": user, "namespace": namespace}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "sandbox", "cluster": cluster}],
            "users": [{"name": user, "user": credentials}],
            "contexts": [{"name": "sandbox", "context": context}],
            "current-context": "sandbox",
        },
        indent=1,
    )


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
