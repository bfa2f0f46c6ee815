"""Where each artifact lies in the blob store. Everything of a person lies under one prefix.

people/{owner}/photos/{sha256}                     the bytes as they came
people/{owner}/reports/{sha256}.json               PhotoReport
people/{owner}/datasets/{job}/…                    crops, frames, dataset.json
people/{owner}/checkpoints/{job}/step-000120.safetensors
people/{owner}/loras/{job}/lora.safetensors        with manifest.json beside it
people/{owner}/headshots/{job}/01.jpg              with manifest.json beside them
people/{owner}/headshots/{job}/01-profile.jpg      the same picture, cut: profile, square, portrait
people/{owner}/headshots/{job}/sheet.jpg           all of them on one, numbered
certificates/{fingerprint}.pem                     which engines of this installation sign with
styles/{style}.jpg                                 what menus show of a style
"""

MANIFEST = "manifest.json"
"""Written last: an artifact folder without it is unfinished."""
LORA = "lora.safetensors"
DATASET = "dataset.json"
"""DatasetManifest; written last among the pictures of a dataset."""
SHEET = "sheet.jpg"
PROFILE = "profile"
"""A square whose inscribed circle holds the whole head."""
CERTIFICATES = "certificates/"
STYLE_EXAMPLES = "styles/"


def person(owner: str) -> str:
    return f"people/{owner}/"


def photo(owner: str, sha256: str) -> str:
    return f"people/{owner}/photos/{sha256}"


def report(owner: str, sha256: str) -> str:
    return f"people/{owner}/reports/{sha256}.json"


def dataset(owner: str, job_id: str) -> str:
    return f"people/{owner}/datasets/{job_id}/"


def checkpoints(owner: str, job_id: str) -> str:
    return f"people/{owner}/checkpoints/{job_id}/"


def lora(owner: str, job_id: str) -> str:
    return f"people/{owner}/loras/{job_id}/"


def headshots(owner: str, job_id: str) -> str:
    return f"people/{owner}/headshots/{job_id}/"


def cut(headshot: str, shape: str) -> str:
    """A cut of a headshot, such as `PROFILE`, by the headshot's own key."""
    return f"{headshot.removesuffix('.jpg')}-{shape}.jpg"


def certificate(fingerprint: str) -> str:
    return f"{CERTIFICATES}{fingerprint}.pem"


def style_example(style: str) -> str:
    return f"{STYLE_EXAMPLES}{style}.jpg"
