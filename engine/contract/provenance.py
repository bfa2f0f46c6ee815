"""What our pictures say of their origin, and where the proof of it lies.

The engine writes it (`engine.generation`), `headshot-bot verify` reads it back. Knows names and
places; no pixels, no cryptography.
"""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as _version_of

TOOL = "Headshot Bot"
AI_MADE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's term for media made by a trained algorithm."""
AI_COMPOSED = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC's term for what holds such media among others."""
XMP_IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
XMP_OURS = "urn:headshot-bot:1"
"""Namespaces of the XMP properties DigitalSourceType, and base, style, seed."""

CREDENTIALS = "credentials"
"""Folder in an engine's work folder."""
CHAIN = "chain.pem"
"""In it: the certificate that pictures are signed with, and the root that vouches for it."""
KEY = "key.pem"


def version() -> str:
    """Of this program."""
    try:
        return _version_of("headshot-bot")
    except PackageNotFoundError:
        return "unknown"
