"""Content credentials (C2PA): a signed note in each file that names the tool and says AI-made.

The note knows neither the person nor their words. Signing never costs anybody a picture: where it
fails, the picture goes out with its XMP alone and the log says so.
"""

import importlib
import json
import threading
from collections.abc import Callable
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import structlog

from engine.contract import keys
from engine.contract.blobs import Blobs
from engine.contract.provenance import AI_MADE, TOOL, version
from engine.generation import identity

Sign = Callable[[bytes], bytes]
"""A JPEG's bytes, to the same picture's with its credentials."""

JPEG = "image/jpeg"
ALGORITHM = b"es256"

log = structlog.get_logger()


def unsigned(jpeg: bytes) -> bytes:
    """For where nobody signs: tests, benchmarks."""
    return jpeg


class Credentials:
    """Signs with the key in a folder, which is made there if there is none."""

    def __init__(self, folder: Path, blobs: Blobs | None = None) -> None:
        """With `blobs`, the certificate is laid where the bot's side finds it."""
        self._folder = folder
        self._blobs = blobs
        self._one_at_a_time = threading.Lock()

    def make_ready(self) -> None:
        """Makes the key at the first start, before a picture needs it."""
        try:
            identity.at(self._folder)
        except OSError as error:  # tried again with each picture
            log.warning("no_key_to_sign_with", error=type(error).__name__)

    def sign(self, jpeg: bytes) -> bytes:
        """As it came, where it cannot be signed."""
        try:
            with self._one_at_a_time:
                return self._sign(jpeg)
        except Exception as error:  # whatever the library or the disk may come up with
            log.warning("picture_not_signed", error=type(error).__name__)
            return jpeg

    def _sign(self, jpeg: bytes) -> bytes:
        c2pa, context, signer = self._tools
        with c2pa.Builder.from_json(manifest(), context=context) as builder:
            signed = BytesIO()
            builder.sign(signer, JPEG, BytesIO(jpeg), signed)
        return signed.getvalue()

    @cached_property
    def _tools(self) -> tuple[Any, Any, Any]:
        """The library, how it is to work, and our signature."""
        c2pa = importlib.import_module("c2pa")
        own = identity.at(self._folder)
        self._publish(own)
        # no thumbnail: it would outlive what somebody cuts away
        context = c2pa.Context.from_dict(
            {"builder": {"thumbnail": {"enabled": False}}, "verify": {"verify_after_sign": False}}
        )
        info = c2pa.C2paSignerInfo(
            alg=ALGORITHM, sign_cert=own.chain, private_key=own.key, ta_url=None
        )
        return c2pa, context, c2pa.Signer.from_info(info)

    def _publish(self, own: identity.Identity) -> None:
        if self._blobs is None:
            return
        try:
            self._blobs.put_sync(keys.certificate(own.fingerprint), own.chain)
        except Exception as error:  # only `verify` on another machine misses it
            log.warning("certificate_not_published", error=type(error).__name__)


def manifest() -> str:
    """What is signed, besides the file's bytes."""
    tool = {"name": TOOL, "version": version()}
    created = {"action": "c2pa.created", "digitalSourceType": AI_MADE, "softwareAgent": tool}
    actions = {"label": "c2pa.actions.v2", "created": True, "data": {"actions": [created]}}
    return json.dumps({"claim_generator_info": [tool], "format": JPEG, "assertions": [actions]})
