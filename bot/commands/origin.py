"""What a picture says of where it comes from, and whether that can be believed.

Reads content credentials (C2PA) and, where there are none, XMP. Nothing is fetched from the web,
whatever a file asks for. Knows bytes and certificates; the words are `bot.commands.verify`'s.
"""

import html
import importlib
import json
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from io import BytesIO
from typing import Any

from PIL import Image, UnidentifiedImageError

from bot.conversation.speaking import clean
from engine.contract.provenance import TOOL

AI_TERMS = re.compile(
    r"digitalsourcetype/(trainedAlgorithmicMedia|compositeWithTrainedAlgorithmicMedia)"
)
OWN_PROPERTIES = ("style", "seed", "base")
OWN_PROPERTY = re.compile(r"\bhb:(style|seed|base)=(?:\"([^\"]*)\"|'([^']*)')")
SIGNED = "claimSignature.validated"
BY_US = "signingCredential.trusted"
"""Says nothing alone: anybody can put our certificate beside a signature of their own."""
XMP_KEYS = ("xmp", "XML:com.adobe.xmp", "Raw profile type xmp")
MAX_XMP = 1_000_000
ELSEWHERE = "Remote"
"""How the library begins to say that credentials would have to be fetched."""


class Verdict(StrEnum):
    MADE_HERE = "made_here"
    MADE_BY_ANOTHER = "made_by_another"
    MADE_BY_AI = "made_by_ai"
    ALTERED = "altered"
    NOTHING_FOUND = "nothing_found"


class NotAPictureError(ValueError):
    """Neither credentials nor a picture can be read."""


@dataclass(frozen=True)
class Origin:
    verdict: Verdict
    is_signed: bool = False
    is_ai: bool = False
    tool: str = ""
    """That made it, or changed it last."""
    signer: str = ""
    began_with: Verdict | None = None
    """Of an altered picture: whose it was, made here or by another Headshot Bot."""
    is_edited_openly: bool = False
    """Altered with a tool that says so, in credentials that hold."""
    how: Mapping[str, str] = field(default_factory=dict[str, str])
    """style, seed and base, as the file tells them; not where it was altered."""


def read(data: bytes, certificates: str) -> Origin:
    """Judges a file. `certificates` are those of this installation, as PEM.

    Raises:
        NotAPictureError: for what is neither.
    """
    xmp = _xmp_of(data)
    found = _credentials(data, certificates)
    if isinstance(found, Origin):
        return found
    if found is None:
        if xmp is None:
            raise NotAPictureError
        return _of_xmp(xmp)
    return _Store(found).judge(_how(xmp or ""))


def _credentials(data: bytes, certificates: str) -> dict[str, Any] | Origin | None:
    """The manifest store with what was found of it; None where there is none."""
    c2pa = importlib.import_module("c2pa")
    settings: dict[str, Any] = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
    if certificates:
        settings["trust"] = {"user_anchors": certificates}
    context = c2pa.Context.from_dict(settings)
    try:
        reader = c2pa.Reader.try_create(None, BytesIO(data), context=context)
        return None if reader is None else json.loads(reader.json())
    except c2pa.C2paError as error:
        if isinstance(error, c2pa.C2paError.NotSupported) or str(error).startswith(ELSEWHERE):
            return None
        if _xmp_of(data) is None:
            raise NotAPictureError from error
        return Origin(Verdict.ALTERED, is_signed=True)


class _Store:
    """A file's manifests, newest last made active, as the library tells them."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._told = told
        manifests: dict[str, dict[str, Any]] = told.get("manifests", {})
        self._active = manifests.get(told.get("active_manifest", ""), {})
        self._others = [one for one in manifests.values() if one is not self._active]

    def judge(self, how: Mapping[str, str]) -> Origin:
        own, is_ours = _tool(self._active) == TOOL, {SIGNED, BY_US} <= self._successes()
        began_with = self._beginning(own, is_ours) if SIGNED in self._successes() else None
        is_whole = self._told.get("validation_state") in ("Valid", "Trusted")
        facts: dict[str, Any] = {
            "is_signed": True,
            "is_ai": any(_says_ai(one) for one in (self._active, *self._others)),
            "tool": _tool(self._active),
            "signer": _signer(self._active),
        }
        if not is_whole or (began_with is not None and not own):
            return Origin(
                Verdict.ALTERED, began_with=began_with, is_edited_openly=is_whole, **facts
            )
        if own:
            verdict = Verdict.MADE_HERE if is_ours else Verdict.MADE_BY_ANOTHER
            return Origin(verdict, how=how, **facts)
        verdict = Verdict.MADE_BY_AI if facts["is_ai"] else Verdict.NOTHING_FOUND
        return Origin(verdict, **facts)

    def _beginning(self, own: bool, is_ours: bool) -> Verdict | None:
        """Whether a Headshot Bot made it; of what others changed since, not which one."""
        if own:
            return Verdict.MADE_HERE if is_ours else Verdict.MADE_BY_ANOTHER
        began = any(_tool(one) == TOOL for one in self._others)
        return Verdict.MADE_BY_ANOTHER if began else None

    def _successes(self) -> set[str]:
        results = self._told.get("validation_results", {}).get("activeManifest", {})
        return {one.get("code", "") for one in results.get("success", [])}


def _tool(manifest: Mapping[str, Any]) -> str:
    infos: Sequence[Mapping[str, Any]] = manifest.get("claim_generator_info") or [{}]
    return clean(str(infos[0].get("name") or manifest.get("claim_generator") or ""))


def _signer(manifest: Mapping[str, Any]) -> str:
    signature: Mapping[str, Any] = manifest.get("signature_info") or {}
    return clean(str(signature.get("common_name") or signature.get("issuer") or ""))


def _says_ai(manifest: Mapping[str, Any]) -> bool:
    return AI_TERMS.search(json.dumps(manifest.get("assertions", []))) is not None


def _of_xmp(xmp: str) -> Origin:
    """What nobody has signed can be believed or not."""
    if AI_TERMS.search(xmp) is None:
        return Origin(Verdict.NOTHING_FOUND)
    how = _how(xmp)
    return Origin(Verdict.MADE_BY_AI, is_ai=True, tool=TOOL if how else "", how=how)


def _how(xmp: str) -> dict[str, str]:
    found = {name: double or single for name, double, single in OWN_PROPERTY.findall(xmp)}
    return {name: clean(html.unescape(found[name])) for name in OWN_PROPERTIES if name in found}


def _xmp_of(data: bytes) -> str | None:
    """Empty where a picture has none; None where this is no picture."""
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(BytesIO(data)) as image:
            info: Mapping[str | tuple[int, int], Any] = image.info
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError):
        return None
    found = next((info[key] for key in XMP_KEYS if key in info), b"")
    text = found.decode(errors="replace") if isinstance(found, bytes) else str(found)
    return text[:MAX_XMP]
