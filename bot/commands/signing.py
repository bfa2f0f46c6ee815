"""Whether pictures made on this machine can be signed: the library, the key, the certificate."""

from importlib.util import find_spec
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

from bot.settings import Settings
from engine.contract.provenance import CHAIN, CREDENTIALS, KEY


def folder_of(settings: Settings) -> Path:
    """Where this machine's engine keeps its key."""
    return (settings.engine.work_dir or settings.data_dir / "engine") / CREDENTIALS


def look(folder: Path) -> tuple[str, str]:
    """What is there, and how to mend it; no remedy where nothing is wrong."""
    if find_spec("c2pa") is None:
        return "pictures go out unsigned", "pip install c2pa-python"
    if not folder.exists():
        return "the engine makes a key when it first starts", ""
    again = f"delete {folder}: the engine makes a new key (older pictures stay as they are)"
    try:
        key = load_pem_private_key((folder / KEY).read_bytes(), password=None)
        signing, *_ = x509.load_pem_x509_certificates((folder / CHAIN).read_bytes())
    except OSError as error:
        return f"{folder} cannot be read: {error.strerror}", "give it to the engine's account"
    except ValueError:
        return "the key is damaged, so pictures go out unsigned", again
    if key.public_key() != signing.public_key():
        return "the key is not the certificate's, so signatures do not hold", again
    (name,) = signing.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return f"signed as {name.value}", ""
