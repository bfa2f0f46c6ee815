"""What a model's description lends to a caption: what varies, and no word about the person."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.contract.manifests import DatasetManifest, Example
from engine.photos.captions import retell
from engine.photos.descriptions import phrases, see

_IDENTITY = """
man woman male female boy girl lady guy gentleman young old elderly aged middle-aged adult teenager
hair haired blonde blond brunette redhead curly wavy bald balding ponytail bangs bun beard bearded
moustache mustache stubble goatee sideburns eyes eye eyed eyebrows eyelashes skin skinned freckles
freckled wrinkles mole scar dimples nose lips chin jaw cheeks ears forehead asian african caucasian
latino hispanic indian european tattoo tattoos slim muscular fat thin handsome beautiful pretty
"""
IDENTITY = _IDENTITY.split()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "The image is a portrait of a young woman with long blonde hair and blue eyes. She is "
            "wearing a black blazer and a white shirt underneath. She has a slight smile on her "
            "face and is looking directly at the camera. The background is blurred, but it appears "
            "to be an office with a window. The lighting is soft and natural, creating a warm and "
            "inviting atmosphere.",
            [
                "wearing a black blazer and a white shirt",
                "slight smile",
                "office and window in the background",
                "blurred background",
                "soft natural light",
            ],
        ),
        (
            "In this image we can see a man wearing a suit and standing. In the background, there "
            "are trees and buildings. It is blurry.",
            ["wearing a suit", "trees and buildings in the background"],
        ),
        (
            "The image is a selfie of a middle-aged bald black man with a gray beard. He is "
            "wearing glasses and a blue t-shirt. He appears to be in a room with a bookshelf "
            "behind him. There is bright sunlight coming from the left side of the image.",
            [
                "wearing glasses and a blue t-shirt",
                "room and bookshelf in the background",
                "bright sunlight",
            ],
        ),
        (
            "a man in a dark blue striped shirt standing in front of a brick wall with his mouth "
            "open, holding a cell phone",
            [
                "wearing a dark blue striped shirt",
                "mouth open",
                "holding a phone",
                "brick wall in the background",
            ],
        ),
        ("This is a black and white image of a person with freckles.", ["black and white photo"]),
        (
            "A man with dark skin and light brown eyes stands on a beach, wide smile, red "
            "baseball cap.",
            ["wearing a red baseball cap", "broad smile", "beach in the background"],
        ),
        (
            "The woman is of Asian descent with her white hair in a ponytail; she wears a white "
            "dress shirt. The background is plain white.",
            ["wearing a white dress shirt", "plain white background"],
        ),
        ("The image shows a close-up of a person's face with a square jaw and brown eyes.", []),
        ("", []),
    ],
)
def test_what_varies_is_said(text: str, said: list[str]) -> None:
    assert phrases(see(text)) == said


_OTHERS = """
a with and wearing is in white black dark long blue shirt suit wall park light background smiling
holding glasses ,
"""
WORDS = st.sampled_from([*IDENTITY, *_OTHERS.split()])


@given(st.lists(WORDS, max_size=25))
def test_no_word_about_the_person_ever_passes(words: list[str]) -> None:
    said = " ".join(phrases(see(" ".join(words))))

    assert not set(re.findall(r"[a-z-]+", said)) & set(IDENTITY)


def dataset(*captions: str, crops: int = 2) -> DatasetManifest:
    examples = [
        Example(
            key=f"{photo}-{crop}",
            photo_sha256=str(photo),
            view="face",
            width_px=64,
            height_px=64,
            caption=f"photo of TOK person{rest}",
            plain_caption=f"photo of a person{rest}",
        )
        for photo, rest in enumerate(captions)
        for crop in range(crops)
    ]
    return DatasetManifest(trigger="TOK", class_word="person", examples=tuple(examples))


def test_what_all_photos_show_is_left_to_the_trigger() -> None:
    before = dataset("", "", "", "", crops=1)
    described = {
        "0-0": "wearing glasses and a red shirt, in a park",
        "1-0": "glasses, a blue shirt, an office",
        "2-0": "with glasses, a white sweater, an office",
        "3-0": "a green jacket, an office",
    }

    after = retell(before, described, "florence")

    assert [example.caption for example in after.examples] == [
        "photo of TOK person, wearing a red shirt, park in the background",
        "photo of TOK person, wearing a blue shirt",
        "photo of TOK person, wearing a white sweater",
        "photo of TOK person, wearing a green jacket",
    ]
    assert after.examples[0].plain_caption == (
        "photo of a person, wearing a red shirt, park in the background"
    )
    assert after.captioned_by == "florence"


def test_crops_of_one_photo_are_one_photo() -> None:
    described = {f"0-{crop}": "a red shirt" for crop in range(4)}

    after = retell(dataset("", "", "", "", crops=4), described, "florence")

    assert after.examples[0].caption == "photo of TOK person, wearing a red shirt"
    assert after.examples[-1].caption == "photo of TOK person"


def test_light_that_was_measured_is_not_guessed_at() -> None:
    before = dataset(", facing the camera, dim light", ", facing the camera")
    described = {"0-0": "bright sunlight", "1-0": "bright sunlight"}

    after = {e.key: e.caption for e in retell(before, described, "florence").examples}

    assert after["0-0"] == "photo of TOK person, facing the camera, dim light"
    assert after["1-0"] == "photo of TOK person, facing the camera, bright sunlight"
