"""`headshot-bot verify`: five answers, an exit code for each, and nothing fetched from the web."""

import asyncio
import json
import socket
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import c2pa
import pytest
from PIL import Image, PngImagePlugin

from bot.commands.faults import CommandError
from bot.commands.origin import Origin, Verdict, read
from bot.commands.verify import EXIT_CODES, certificates, sentences, verify
from bot.settings import Settings
from engine.contract import keys
from engine.contract.blobs import Blobs
from engine.contract.provenance import AI_MADE, CREDENTIALS
from engine.generation import finishing, identity
from engine.generation.credentials import Credentials, manifest

ORIGIN = finishing.Origin(style="linkedin", seed=4711, base="demo")
PLAIN = finishing.to_jpeg(Image.linear_gradient("L").resize((96, 96)), ORIGIN)
CAMERA = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"


def bare(image_format: str = "JPEG", **saved: Any) -> bytes:
    file = BytesIO()
    Image.linear_gradient("L").resize((96, 96)).save(file, image_format, **saved)
    return file.getvalue()


def signed_by(
    own: identity.Identity, told: dict[str, Any], jpeg: bytes, edits: bool = False
) -> bytes:
    """A file of any tool's, with any key."""
    settings = {
        "builder": {"thumbnail": {"enabled": False}},
        "verify": {"verify_after_sign": False},
    }
    info = c2pa.C2paSignerInfo(b"es256", own.chain, own.key, None)  # type: ignore[arg-type]
    with (
        c2pa.Signer.from_info(info) as signer,
        c2pa.Builder.from_json(json.dumps(told), context=c2pa.Context.from_dict(settings)) as made,
    ):
        if edits:
            made.set_intent(c2pa.C2paBuilderIntent.EDIT)
        file = BytesIO()
        made.sign(signer, "image/jpeg", BytesIO(jpeg), file)
    return file.getvalue()


def told_by(tool: str, source: str) -> dict[str, Any]:
    actions = {"actions": [{"action": "c2pa.created", "digitalSourceType": source}]}
    return {
        "claim_generator_info": [{"name": tool, "version": "1"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": actions, "created": True}],
    }


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "here")


@pytest.fixture
def made(settings: Settings) -> bytes:
    """A picture of this installation's."""
    return Credentials(settings.data_dir / "engine" / CREDENTIALS).sign(PLAIN)


@pytest.fixture
def judge(settings: Settings, made: bytes) -> Callable[[bytes], Origin]:
    known = asyncio.run(certificates(settings))
    return lambda data: read(data, known)


def flipped(data: bytes) -> bytes:
    """One bit of the picture itself is another."""
    changed = bytearray(data)
    changed[-100] ^= 1
    return bytes(changed)


def test_what_was_made_here_is_known_with_its_style_and_seed(
    judge: Callable[[bytes], Origin], made: bytes
) -> None:
    origin = judge(made)

    assert (origin.verdict, origin.is_ai, origin.is_signed) == (Verdict.MADE_HERE, True, True)
    assert origin.how == {"style": "linkedin", "seed": "4711", "base": "demo"}
    assert origin.signer.startswith("Headshot Bot ")


def test_another_installation_is_told_apart_by_its_key(
    judge: Callable[[bytes], Origin], tmp_path: Path
) -> None:
    origin = judge(Credentials(tmp_path / "elsewhere").sign(PLAIN))

    assert origin.verdict is Verdict.MADE_BY_ANOTHER
    assert origin.is_ai


@pytest.mark.parametrize("here", [True, False])
def test_one_changed_bit_is_found(
    judge: Callable[[bytes], Origin], made: bytes, tmp_path: Path, here: bool
) -> None:
    original = made if here else Credentials(tmp_path / "elsewhere").sign(PLAIN)

    origin = judge(flipped(original))

    assert origin.verdict is Verdict.ALTERED
    assert origin.began_with is (Verdict.MADE_HERE if here else Verdict.MADE_BY_ANOTHER)
    assert origin.how == {}


def test_our_certificate_beside_another_key_proves_nothing(
    judge: Callable[[bytes], Origin], settings: Settings
) -> None:
    ours = identity.at(settings.data_dir / "engine" / CREDENTIALS)
    forged = identity.Identity(ours.chain, identity.new().key)

    origin = judge(signed_by(forged, json.loads(manifest()), PLAIN))

    assert (origin.verdict, origin.began_with) == (Verdict.ALTERED, None)
    assert "does not hold" in sentences(origin)[1]


def test_the_name_alone_makes_nobody_us(judge: Callable[[bytes], Origin]) -> None:
    pretended = told_by("Headshot Bot", AI_MADE)

    assert judge(signed_by(identity.new(), pretended, PLAIN)).verdict is Verdict.MADE_BY_ANOTHER


def test_ai_of_somebody_else_is_named(judge: Callable[[bytes], Origin]) -> None:
    origin = judge(signed_by(identity.new(), told_by("Some Painter", AI_MADE), bare()))

    assert (origin.verdict, origin.tool) == (Verdict.MADE_BY_AI, "Some Painter")
    assert "Some Painter" in sentences(origin)[0]


def test_a_camera_is_no_ai(judge: Callable[[bytes], Origin]) -> None:
    origin = judge(signed_by(identity.new(), told_by("Some Camera", CAMERA), bare()))

    assert (origin.verdict, origin.is_ai) == (Verdict.NOTHING_FOUND, False)
    assert "Some Camera" in sentences(origin)[1]


def test_a_tool_that_says_what_it_changed_is_believed(
    judge: Callable[[bytes], Origin], made: bytes
) -> None:
    told = {"claim_generator_info": [{"name": "Some Editor", "version": "1"}]}

    origin = judge(signed_by(identity.new(), told, made, edits=True))

    assert (origin.verdict, origin.is_edited_openly) == (Verdict.ALTERED, True)
    assert "Some Editor" in sentences(origin)[1]


@pytest.mark.parametrize("image_format", ["JPEG", "WEBP"])
def test_a_lost_signature_leaves_the_word_of_the_file(
    judge: Callable[[bytes], Origin], made: bytes, image_format: str
) -> None:
    xmp = Image.open(BytesIO(made)).info["xmp"]

    origin = judge(bare(image_format, xmp=xmp))

    assert (origin.verdict, origin.is_signed) == (Verdict.MADE_BY_AI, False)
    assert origin.how["seed"] == "4711"
    assert "nothing proves it" in sentences(origin)[0]


def test_a_png_of_another_ai_says_so_in_its_xmp(judge: Callable[[bytes], Origin]) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", f"<DigitalSourceType>{AI_MADE}</DigitalSourceType>")

    origin = judge(bare("PNG", pnginfo=info))

    assert (origin.verdict, origin.tool) == (Verdict.MADE_BY_AI, "")


def test_a_picture_without_a_word_says_nothing(judge: Callable[[bytes], Origin]) -> None:
    assert judge(bare()).verdict is Verdict.NOTHING_FOUND


def test_names_in_files_cannot_play_with_the_terminal(judge: Callable[[bytes], Origin]) -> None:
    origin = judge(signed_by(identity.new(), told_by("\x1b[31mRed\x07", AI_MADE), bare()))

    assert origin.tool == "[31mRed"


def test_nothing_is_fetched_whatever_a_file_asks_for(judge: Callable[[bytes], Origin]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/credentials.c2pa"
        asking = (
            '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
            'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
            f'xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="{url}"/>'
            "</rdf:RDF></x:xmpmeta>"
        )

        origin = judge(bare(xmp=asking.encode()))

        with pytest.raises(BlockingIOError):
            server.accept()
    assert origin.verdict is Verdict.NOTHING_FOUND


async def test_other_engines_of_the_same_blob_store_are_here(
    settings: Settings, tmp_path: Path
) -> None:
    blobs = Blobs.from_url(settings.blobs_url)
    elsewhere = Credentials(tmp_path / "elsewhere", blobs).sign(PLAIN)
    await blobs.put(keys.certificate("damaged"), b"-----BEGIN CERTIFICATE-----\nno")

    assert read(elsewhere, await certificates(settings)).verdict is Verdict.MADE_HERE


async def test_looking_makes_no_folder(settings: Settings, tmp_path: Path) -> None:
    assert await certificates(settings) == ""
    assert not settings.data_dir.exists()


async def test_the_exit_code_and_the_words_agree(
    settings: Settings, made: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for data, code, word in (
        (made, 0, "Made here"),
        (bare(), 1, "Nothing found"),
        (flipped(made), 5, "Changed since"),
    ):
        file = tmp_path / "picture.jpg"
        file.write_bytes(data)
        assert await verify(settings, file, as_json=False) == code
        assert word in capsys.readouterr().out
    assert len(set(EXIT_CODES.values())) == len(Verdict)
    assert 2 not in EXIT_CODES.values()  # the command itself failed


async def test_scripts_get_one_object(
    settings: Settings, made: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "picture.jpg"
    file.write_bytes(made)

    await verify(settings, file, as_json=True)

    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == "made_here"
    assert (told["ai_made"], told["signed"], told["seed"]) == (True, True, 4711)


@pytest.mark.parametrize("data", [b"", b"hello", PLAIN[:300]])
async def test_what_is_no_picture_is_said_to_be_none(
    settings: Settings, tmp_path: Path, data: bytes
) -> None:
    file = tmp_path / "thing.jpg"
    file.write_bytes(data)

    with pytest.raises(CommandError, match="cannot be read as a picture"):
        await verify(settings, file, as_json=False)


async def test_a_missing_file_is_named(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"lost\.jpg cannot be read"):
        await verify(settings, tmp_path / "lost.jpg", as_json=False)
