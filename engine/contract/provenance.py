"""What our pictures say of their origin, and where the proof of it lies.

The engine writes it (`engine.generation`), `headshot-bot verify` reads it back. Knows names and
places; no pixels, no cryptography.
"""

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as _version_of
from xml.sax.saxutils import quoteattr

TOOL = "Headshot Bot"
AI_MADE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
"""IPTC's term for media made by a trained algorithm."""
AI_COMPOSED = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC's term for what holds such media among others."""

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


def xmp(source: str, **own: str) -> bytes:
    """What a file says of itself to whoever reads XMP, with properties of our own."""
    told = "".join(f"\n    hb:{name}={quoteattr(value)}" for name, value in own.items())
    return _XMP.format(source=quoteattr(source), tool=quoteattr(TOOL), told=told).encode()


_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:hb="urn:headshot-bot:1"
    Iptc4xmpExt:DigitalSourceType={source}
    xmp:CreatorTool={tool}{told}/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""
