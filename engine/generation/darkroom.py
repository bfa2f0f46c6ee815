"""The files of one set of headshots: each picture, its cuts, and a sheet of them all.

Every file is signed and laid under the set's prefix. Knows files and their names; what a picture
shows, beyond where its face is, is not looked at.
"""

from dataclasses import replace

from PIL import Image

from engine.contract import keys
from engine.contract.blobs import Blobs
from engine.generation import finishing, framing
from engine.generation.credentials import Sign, unsigned
from engine.generation.finishing import Origin


class Darkroom:
    def __init__(self, blobs: Blobs, prefix: str, sign: Sign = unsigned) -> None:
        self._blobs = blobs
        self._prefix = prefix
        self._sign = sign
        self._shown: list[tuple[Image.Image, Origin]] = []

    def develop(self, image: Image.Image, origin: Origin, face: framing.Face | None) -> str:
        """The next picture of the set, with its cuts; returns its key."""
        self._shown.append((image, origin))
        key = f"{self._prefix}{len(self._shown):02d}.jpg"
        self._put(key, image, origin)
        for shape in framing.shapes_of(image.size):
            cut = image.crop(framing.window(shape, image.size, face))
            self._put(keys.cut(key, shape), cut, origin)
        return key

    def lay_out(self) -> None:
        """The sheet of all pictures, numbered as they are shown."""
        if not self._shown:
            return
        images, origins = zip(*self._shown, strict=True)
        origin = replace(origins[0], seed=None)
        sheet = finishing.contact_sheet(images, origin, sign=self._sign)
        self._blobs.put_sync(self._prefix + keys.SHEET, sheet)

    def _put(self, key: str, image: Image.Image, origin: Origin) -> None:
        self._blobs.put_sync(key, finishing.to_jpeg(image, origin, self._sign))
