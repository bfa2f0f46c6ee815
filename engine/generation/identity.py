"""Who this installation is to readers of content credentials: a key of its own and certificates.

Made once, in a private folder, and never sent anywhere. A root that is made for the purpose vouches
for the key and is thrown away, so that nothing else can be signed in its name. Neither certificate
knows a person, a machine or a date: both hold from the same day, and long, because no clock outside
is asked when a picture was signed.
"""

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from engine.contract.provenance import CHAIN, KEY, TOOL

HOLDS_FROM = datetime(2026, 1, 1, tzinfo=UTC)
HOLDS_UNTIL = datetime(2066, 1, 1, tzinfo=UTC)
NAMED_DIGITS = 8


@dataclass(frozen=True)
class Identity:
    """Certificates and key as PEM."""

    chain: bytes
    """The certificate that signs, then its root."""
    key: bytes

    @property
    def fingerprint(self) -> str:
        """Of the certificate that signs. Raises ValueError where that is none."""
        return x509.load_pem_x509_certificates(self.chain)[0].fingerprint(hashes.SHA256()).hex()


def at(folder: Path) -> Identity:
    """The identity that lies in a folder, made now if there is none.

    Raises:
        OSError: where the folder can be neither read nor made.
    """
    if not folder.exists():
        _put(folder, new())
    key = folder / KEY
    if key.stat().st_mode & 0o077:
        key.chmod(0o600)
    return Identity((folder / CHAIN).read_bytes(), key.read_bytes())


def new() -> Identity:
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    digits = sha256(_public(key)).hexdigest()[:NAMED_DIGITS]
    root_name, name = _name(f"{TOOL} {digits} (root)"), _name(f"{TOOL} {digits}")
    root_usage, usage = _usage(key_cert_sign=True), _usage(digital_signature=True)
    root_id = x509.SubjectKeyIdentifier.from_public_key(root_key.public_key())
    root = (
        _unsigned(root_name, root_name, root_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(root_usage, critical=True)
        .sign(root_key, hashes.SHA256())
    )
    signing = (
        _unsigned(name, root_name, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(root_id), critical=False
        )
        .sign(root_key, hashes.SHA256())
    )
    chain = signing.public_bytes(Encoding.PEM) + root.public_bytes(Encoding.PEM)
    return Identity(chain, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(HOLDS_FROM)
        .not_valid_after(HOLDS_UNTIL)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, TOOL),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _public(key: ec.EllipticCurvePrivateKey) -> bytes:
    return x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest


def _put(folder: Path, identity: Identity) -> None:
    """Whole or not at all. Where two engines start at once, the first one's stays."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial = Path(mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))  # 0700
    try:
        for name, data in ((KEY, identity.key), (CHAIN, identity.chain)):
            with open(os.open(partial / name, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        partial.rename(folder)
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)
        if not folder.exists():
            raise
