"""Content credentials: what a stranger's reader finds, whose key it is, and what goes wrong."""

import json
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import c2pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from PIL import Image
from structlog.testing import capture_logs

from engine.contract import keys
from engine.contract.blobs import Blobs
from engine.contract.provenance import AI_MADE, CHAIN, KEY, version
from engine.generation import identity
from engine.generation.credentials import Credentials
from engine.generation.finishing import Origin, to_jpeg

PICTURE = to_jpeg(Image.linear_gradient("L"), Origin(style="linkedin", seed=4711, base="demo"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "private" / "credentials"


def found_in(jpeg: bytes) -> dict[str, Any]:
    """What a reader with settings of its own, and no word of us, tells."""
    return json.loads(c2pa.Reader("image/jpeg", BytesIO(jpeg)).json())


def active(told: dict[str, Any]) -> dict[str, Any]:
    return told["manifests"][told["active_manifest"]]


def test_a_stranger_finds_it_valid_and_only_the_signer_unknown(folder: Path) -> None:
    told = found_in(Credentials(folder).sign(PICTURE))

    assert told["validation_state"] == "Valid"
    remarks = [remark["code"] for remark in told["validation_status"]]
    assert remarks == ["signingCredential.untrusted"]


def test_it_names_the_tool_and_says_ai_made(folder: Path) -> None:
    manifest = active(found_in(Credentials(folder).sign(PICTURE)))

    (tool,) = manifest["claim_generator_info"]
    assert (tool["name"], tool["version"]) == ("Headshot Bot", version())
    (actions,) = manifest["assertions"]
    (action,) = actions["data"]["actions"]
    assert (action["action"], action["digitalSourceType"]) == ("c2pa.created", AI_MADE)
    assert actions["created"]  # our own word, not gathered from elsewhere
    assert manifest["signature_info"]["alg"] == "Es256"


def test_it_knows_neither_place_nor_person_nor_time(folder: Path) -> None:
    signed = Credentials(folder).sign(PICTURE)

    for secret in (str(folder), folder.name, KEY):
        assert secret.encode() not in signed
    told = json.dumps(found_in(signed))
    for extra in ("thumbnail", "title", "when", "author"):
        assert f'"{extra}"' not in told


def test_pixels_and_metadata_stay_as_they_were(folder: Path) -> None:
    before = Image.open(BytesIO(PICTURE))
    after = Image.open(BytesIO(Credentials(folder).sign(PICTURE)))

    assert after.tobytes() == before.tobytes()
    for part in ("exif", "xmp", "icc_profile"):
        assert after.info[part] == before.info[part]


def test_the_key_is_private_and_made_once(folder: Path) -> None:
    signers = [active(found_in(Credentials(folder).sign(PICTURE))) for _ in range(2)]

    assert signers[0]["signature_info"] == signers[1]["signature_info"]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        CHAIN: 0o600,
        KEY: 0o600,
    }
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_the_key_is_there_from_the_first_start(folder: Path, tmp_path: Path) -> None:
    Credentials(folder).make_ready()
    assert {path.name for path in folder.iterdir()} == {CHAIN, KEY}

    (tmp_path / "full").write_bytes(b"")
    with capture_logs() as logs:
        Credentials(tmp_path / "full" / "credentials").make_ready()  # starts all the same
    assert [entry["event"] for entry in logs] == ["no_key_to_sign_with"]


def test_a_key_that_others_could_read_is_closed_again(folder: Path) -> None:
    identity.at(folder)
    (folder / KEY).chmod(0o644)

    identity.at(folder)

    assert (folder / KEY).stat().st_mode & 0o777 == 0o600


def test_engines_that_start_at_once_share_one_identity(folder: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(identity.at, [folder] * 8))

    assert len({one.fingerprint for one in found}) == 1


def test_certificates_are_made_for_signing_and_say_nothing_more() -> None:
    made = identity.new()
    signing, root = x509.load_pem_x509_certificates(made.chain)

    signing.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)
    assert isinstance(signing.public_key(), ec.EllipticCurvePublicKey)
    usage = signing.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_cert_sign) == (True, False)
    purposes = signing.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.EMAIL_PROTECTION]
    assert not signing.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    names = {attribute.rfc4514_attribute_name for attribute in signing.subject}
    assert names == {"O", "CN"}
    assert signing.not_valid_before_utc == root.not_valid_before_utc  # no date of ours
    assert b"PRIVATE" not in made.chain


def test_installations_differ() -> None:
    assert identity.new().fingerprint != identity.new().fingerprint


def test_the_certificate_is_published_and_the_key_is_not(folder: Path) -> None:
    blobs = Blobs.from_url("memory://")

    Credentials(folder, blobs).sign(PICTURE)

    own = identity.at(folder)
    assert blobs.list_sync("certificates/") == [keys.certificate(own.fingerprint)]
    assert blobs.get_sync(keys.certificate(own.fingerprint)) == own.chain


def test_what_cannot_be_published_is_signed_all_the_same(folder: Path) -> None:
    closed = Blobs.from_url("memory://").unless(lambda: True)

    with capture_logs() as logs:
        signed = Credentials(folder, closed).sign(PICTURE)

    assert found_in(signed)["validation_state"] == "Valid"
    assert [entry["event"] for entry in logs] == ["certificate_not_published"]


def test_without_a_key_the_picture_goes_out_with_its_xmp_alone(tmp_path: Path) -> None:
    (tmp_path / "full").write_bytes(b"")  # a file where the folder should be: it cannot be made

    with capture_logs() as logs:
        sent = Credentials(tmp_path / "full" / "credentials").sign(PICTURE)

    assert sent == PICTURE
    assert [(entry["event"], entry["log_level"]) for entry in logs] == [
        ("picture_not_signed", "warning")
    ]


@pytest.mark.parametrize("damaged", [KEY, CHAIN])
def test_a_damaged_key_is_neither_used_nor_replaced(folder: Path, damaged: str) -> None:
    identity.at(folder)
    (folder / damaged).write_bytes(b"nonsense")

    with capture_logs() as logs:
        sent = Credentials(folder).sign(PICTURE)

    assert sent == PICTURE
    assert [entry["event"] for entry in logs] == ["picture_not_signed"]
    assert (folder / damaged).read_bytes() == b"nonsense"
