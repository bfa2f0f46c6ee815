"""Synthetic people: the same from the same seeds, different from others, and what captions say."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.demo.people.anatomy import load_anatomy, make_pose, shape_bodies
from engine.demo.people.captions import attributes, caption
from engine.demo.people.clothes import GARMENTS
from engine.demo.people.hair import STYLES
from engine.demo.people.identity import Identity
from engine.demo.people.measure import FaceReader
from engine.demo.people.renderer import draw
from engine.demo.people.view import View
from engine.demo.people.vocabulary import BACKGROUNDS, CLOTHES, HAIR_STYLES, SHAPE_AXES

PLAIN = View(seed=1, kind="studio", clothes="sweater", cloth_colour="red")


def test_identity_comes_from_its_seed_alone():
    assert Identity.from_seed(5) == Identity.from_seed(5)
    assert len({Identity.from_seed(seed).shape for seed in range(200)}) == 200


def test_view_comes_from_its_seed_and_kind():
    assert View.sample(3, "selfie") == View.sample(3, "selfie")
    assert View.sample(3, "selfie").focal_mm < 40 < View.sample(3, "studio").focal_mm


def test_every_name_can_be_drawn():
    assert set(STYLES) == set(HAIR_STYLES)
    assert set(GARMENTS) == set(CLOTHES)
    drawn = {View.sample(seed).background for seed in range(500)}
    assert drawn == set(BACKGROUNDS)


def test_shape_axes_exist_in_the_extracted_head():
    names = load_anatomy("cpu").names
    missing = [name for low, high, _ in SHAPE_AXES.values() for name in (low, high)]
    assert [name for name in missing if name not in names] == []


def test_same_seed_draws_the_same_picture():
    person = Identity.from_seed(7)
    first, second = (draw([(person, PLAIN)], 48, supersample=1) for _ in range(2))
    assert first.shape == (1, 3, 48, 48)
    assert first.dtype == torch.uint8
    assert torch.equal(first, second)


def test_a_picture_does_not_depend_on_its_batch():
    people = [(Identity.from_seed(seed), PLAIN) for seed in (3, 4)]
    together = draw(people, 48, supersample=1)
    assert torch.equal(together[1:], draw(people[1:], 48, supersample=1))


def test_different_identities_look_different():
    people = [(Identity.from_seed(seed), PLAIN) for seed in (1, 2)]
    first, second = draw(people, 48, supersample=1).float()
    assert (first - second).abs().mean() > 5


def test_turning_the_head_moves_the_nose():
    anatomy = load_anatomy("cpu")
    person = Identity.from_seed(1)
    nose = (anatomy.rest[:, 2] * (anatomy.head_turn > 0.9)).argmax()

    def nose_x(yaw: float) -> float:
        people = [(person, replace(PLAIN, yaw=yaw, torso_yaw=0.0))]
        pose = make_pose(people, "cpu")
        return float(pose.apply(shape_bodies(anatomy, people), anatomy.head_turn)[0, nose, 0])

    assert nose_x(-30) < -0.3 < nose_x(0) < 0.3 < nose_x(30)


def test_clothes_have_their_colour():
    person = replace(Identity.from_seed(2), hair_style="short hair", beard="none")
    red, green = (
        draw([(person, replace(PLAIN, cloth_colour=colour))], 64, supersample=1)[0].float()
        for colour in ("red", "green")
    )
    chest = (slice(None), slice(56, 64), slice(24, 40))
    difference = (red[chest] - green[chest]).mean(dim=(1, 2))
    assert difference[0] > 25
    assert difference[1] < -10


@pytest.mark.parametrize("seed", range(20))
def test_captions_are_true(seed: int):
    person, view = Identity.from_seed(seed), View.sample(seed)
    said = caption(person, view, random.Random(seed))
    facts = attributes(person, view)
    assert person.class_word in said or "person" in said
    if facts["glasses"] == "no glasses":
        assert "glasses" not in said
    if facts["beard"] in ("none", "moustache"):
        assert "beard" not in said


def test_captions_mostly_mention_the_clothes_and_vary():
    person = Identity.from_seed(1)
    view = replace(PLAIN, clothes="hoodie", cloth_colour="red")
    said = [caption(person, view, random.Random(seed)) for seed in range(100)]
    assert sum("hood" in text and "red" in text for text in said) > 80
    assert len(set(said)) > 80


def test_a_trigger_replaces_the_traits_of_the_person():
    person = replace(Identity.from_seed(1), hair_style="afro", beard="full beard")
    for seed in range(50):
        said = caption(person, PLAIN, random.Random(seed), trigger="ohwx")
        assert f"ohwx {person.class_word}" in said or "ohwx person" in said
        assert "afro" not in said
        assert "beard" not in said


def test_dlib_finds_the_faces():
    reader = FaceReader()
    people = [(Identity.from_seed(seed), replace(PLAIN, yaw=10.0 * seed - 10)) for seed in range(3)]
    pictures = draw(people, 160).permute(0, 2, 3, 1).numpy()
    found = [len(reader.boxes(np.ascontiguousarray(picture))) for picture in pictures]
    assert found == [1, 1, 1]
