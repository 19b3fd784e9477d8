"""The control plane's certificates: one authority per sandbox, made once, never leaving its folder."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from infra.sandbox.layout import write_private

LIFETIME = timedelta(days=3650)
CLOCK_LEEWAY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Identity:
    """A key and its certificate, as PEM text."""

    certificate: str
    key: str


class Authority:
    """Signs for one control plane; keeps itself and everything it signed in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate_file = folder / "ca.crt"
        if not self.certificate_file.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            root = self._builder(named("kunlun-sandbox"), key, named("kunlun-sandbox"))
            root = root.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            write_private(folder / "ca.key", key_text(key))
            write_private(self.certificate_file, certificate_text(root.sign(key, hashes.SHA256())))

    def client(self, user: str, groups: Sequence[str]) -> Identity:
        """The identity of a user: the name is the subject's CN, the groups are its Os (Kubernetes, X.509 auth)."""
        return self._identity(user, named(user, groups), ExtendedKeyUsageOID.CLIENT_AUTH)

    def server(self, name: str) -> tuple[Path, Path]:
        """Certificate and key files of a server on loopback."""
        self._identity(name, named(name), ExtendedKeyUsageOID.SERVER_AUTH)
        return self.folder / f"{name}.crt", self.folder / f"{name}.key"

    def signing_key(self, name: str) -> Path:
        """A key without a certificate, such as the one that signs service account tokens."""
        path = self.folder / f"{name}.key"
        if not path.exists():
            write_private(path, key_text(ec.generate_private_key(ec.SECP256R1())))
        return path

    def _identity(self, name: str, subject: x509.Name, usage: x509.ObjectIdentifier) -> Identity:
        stem = name.replace(":", "_")
        certificate, key = self.folder / f"{stem}.crt", self.folder / f"{stem}.key"
        if not certificate.exists():
            self._sign(certificate, key, subject, usage)
        return Identity(certificate.read_text(), key.read_text())

    def _sign(self, certificate: Path, key: Path, subject: x509.Name, usage: x509.ObjectIdentifier) -> None:
        authority = x509.load_pem_x509_certificate(self.certificate_file.read_bytes())
        signer = serialization.load_pem_private_key((self.folder / "ca.key").read_bytes(), None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)  # noqa: S101  we wrote it
        own = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(subject, own, authority.subject)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName(LOOPBACK), critical=False)
        write_private(key, key_text(own))
        write_private(certificate, certificate_text(builder.sign(signer, hashes.SHA256())))

    @staticmethod
    def _builder(subject: x509.Name, key: ec.EllipticCurvePrivateKey, issuer: x509.Name) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - CLOCK_LEEWAY)
            .not_valid_after(now + LIFETIME)
        )


LOOPBACK = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]


def named(user: str, groups: Sequence[str] = ()) -> x509.Name:
    """A distinguished name as Kubernetes reads it."""
    organizations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*organizations, x509.NameAttribute(NameOID.COMMON_NAME, user)])


def key_text(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()


def certificate_text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
