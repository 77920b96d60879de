"""The HTTPS side of the port: a certificate, and the TLS context made from it."""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gevent.ssl import PROTOCOL_TLS_SERVER, SSLContext, TLSVersion

DOMAINS = ("localhost", "localhost.localstack.cloud")
REGIONS = {
    "us": ("east-1", "east-2", "west-1", "west-2"),
    "ca": ("central-1",),
    "sa": ("east-1",),
    "eu": ("central-1", "west-1", "west-2", "west-3", "north-1", "south-1"),
    "ap": ("south-1", "northeast-1", "northeast-2", "southeast-1", "southeast-2"),
}
# A wildcard stands for one label only, so `sqs.eu-west-1.…` and `bucket.s3.eu-west-1.…` want names of their own.
NAMES = [
    *DOMAINS,
    *(f"*.{domain}" for domain in DOMAINS),
    *(f"*.s3.{domain}" for domain in DOMAINS),
    *(f"*.stack.{domain}" for domain in DOMAINS),
    *(f"*.{area}-{part}.{domain}" for domain in DOMAINS for area in REGIONS for part in REGIONS[area]),
    *(f"*.s3.{area}-{part}.{domain}" for domain in DOMAINS for area in REGIONS for part in REGIONS[area]),
]
ADDRESSES = ("127.0.0.1", "::1")
VALID = timedelta(days=3650)


class Certificates:
    """Knows where the certificate is, or makes one; nothing is read or made before the first TLS connection."""

    def __init__(self, folder: Path, cert: Path | None = None, key: Path | None = None) -> None:
        """`folder` is where a self-signed certificate is kept, unless `cert` (and `key`) are given."""
        self._folder = folder
        self._cert = cert
        self._key = key
        self._context: SSLContext | None = None

    def context(self) -> SSLContext:
        """Return the server's TLS context."""
        if self._context is None:
            cert, key = (self._cert, self._key) if self._cert else self_signed(self._folder)
            context = SSLContext(PROTOCOL_TLS_SERVER)
            context.minimum_version = TLSVersion.TLSv1_2
            context.load_cert_chain(cert, key)
            context.set_alpn_protocols(["http/1.1"])
            self._context = context
        return self._context


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Return the paths of the self-signed certificate and its key, made now where there is none yet."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    if not cert.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(folder / "lock"):
            if not cert.exists():
                cert_pem, key_pem = _make()
                # The certificate comes last: where it is, its key is too.
                _write(key, key_pem, 0o600)
                _write(cert, cert_pem, 0o644)
    return cert, key


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write(path: Path, data: bytes, mode: int) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        os.write(file, data)
        os.fsync(file)
    finally:
        os.close(file)
    temporary.rename(path)


def _make() -> tuple[bytes, bytes]:
    # Imported here: it costs 15 MB and 60 ms, once in the life of a data directory.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Cairn (self-signed)")])
    alternatives: list[x509.GeneralName] = [x509.DNSName(one) for one in NAMES]
    alternatives += [x509.IPAddress(ipaddress.ip_address(one)) for one in ADDRESSES]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # a client whose clock is a little behind
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)  # so that it can be trusted as is
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private
