"""The measure of likeness: figures, budgets, what is asked for, who is compared with whom."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import attributes, attributes_training, conditions, figures, gallery, people, shots
from benchmarks import likeness as command
from benchmarks.attributes import Seen
from benchmarks.shots import Asked
from engine.contract import styles
from engine.demo.people import samples
from engine.demo.recipe.plan import FIRST_TRAINING_SEED
from engine.photos import faces, likeness


def test_everybody_is_held_out_and_in_one_group_only():
    learned = {s for seed in range(people.NUM_BLOCKS) for s in people.seeds(100, seed)}
    strangers = {gallery.FIRST_SEED + n for n in range(gallery.NUM_STRANGERS)}
    first, num = attributes_training.FIRST_SEED, attributes_training.NUM_SEEDS
    checked = set(range(first, first + num))
    groups = [learned, strangers, checked, {samples.PERSON_SEED, samples.STRANGER_SEED}]
    assert sum(len(group) for group in groups) == len(set.union(*groups))
    assert max(max(group) for group in groups) < FIRST_TRAINING_SEED


def test_other_seeds_mean_other_people():
    assert not set(people.seeds(8, 0)) & set(people.seeds(8, 1))
    with pytest.raises(ValueError, match="101 people"):
        people.seeds(101, 0)


@pytest.mark.parametrize("name", shots.BACKGROUNDS)
def test_all_clothes_of_a_measured_style_have_names_that_the_checker_knows(name: str):
    style = styles.load()[name]
    for clothes in style.clothes:
        asked = shots.read(style.prompt.format(subject="TOK person", clothes=clothes), "park")
        assert asked.clothes in attributes.CLASSES["clothes"]
        assert asked.colour in attributes.CLASSES["colour"]
    assert shots.BACKGROUNDS[name] in attributes.CLASSES["background"]


@pytest.mark.parametrize(
    ("words", "clothes", "colour"),
    [
        ("a charcoal blazer over a white shirt", "suit", "charcoal"),
        ("a light blue shirt", "shirt", "light blue"),
        ("a white t-shirt", "t-shirt", "white"),
        ("a denim jacket over a white t-shirt", "denim jacket", "blue"),
        ("a doctor's white coat", "lab coat", "white"),
        ("a black leather jacket", "leather jacket", "black"),
    ],
)
def test_what_a_prompt_asks_for(words: str, clothes: str, colour: str):
    asked = shots.read(f"photo of TOK person wearing {words}, in a park", "park")
    assert asked == Asked(clothes, colour, "park")


def test_a_prompt_without_known_clothes_cannot_be_measured():
    with pytest.raises(ValueError, match="no known clothes"):
        shots.read("photo of TOK person", "park")


def test_a_plan_is_the_same_for_the_same_seed_and_takes_turns_with_subjects():
    plan = shots.plan(4, 7, ("a person", "a man"), ("linkedin", "park"))
    assert plan == shots.plan(4, 7, ("a person", "a man"), ("linkedin", "park"))
    assert len({shot.seed for shot in plan}) == len({shot.file for shot in plan}) == 8
    assert ["a man " in shot.prompt for shot in plan] == [False, True] * 4


def test_the_origins_recipe_is_compared_on_equal_and_double_budget():
    todo = conditions.choose("standard", 12, 256, 100, {"batch": 4}, conditions.CONTROLS)
    budget = {c.name: conditions.samples(c.recipe) for c in todo if c.recipe is not None}
    assert budget == {conditions.OURS: 400, conditions.ORIGIN: 400, conditions.ORIGIN_DOUBLE: 800}
    bleed = next(c for c in todo if c.name == conditions.BLEED)
    assert bleed.subjects("person", "woman") == ("a person", "a woman")
    assert todo[0].subjects("person", "woman") == ("TOK person",)


def test_a_persons_reach_is_that_of_photos_and_bounds_what_is_the_same_person():
    random = np.random.default_rng(0)
    photos = random.normal(0, 0.03, (16, 128))
    own = figures.know(photos[:12], photos[12:])
    pairs = figures.distances(photos, photos[12:])
    assert np.median(pairs[pairs > 0]) < own.reach < pairs.max()
    assert figures.far(photos[0], own.held_out) <= own.reach
    assert figures.far(photos[0] + 0.2, own.held_out) > own.reach
    with pytest.raises(ValueError, match="1 faces"):
        figures.know(photos[:12], photos[12:13])


def test_the_nearest_of_many_is_the_person_or_a_stranger():
    strangers = np.stack([np.full((4, 128), 0.1 * n) for n in range(1, 6)])
    own = np.zeros((4, 128))
    assert figures.is_nearest(np.full(128, 0.02), own, strangers)
    assert not figures.is_nearest(np.full(128, 0.08), own, strangers)


def test_intervals_hold_their_value_and_shrink_with_numbers():
    few = figures.share([[True, True, False, True]])
    many = figures.share([[True, True, False, True]] * 20)
    assert few.value == many.value == 0.75
    assert few.low < many.low < 0.75 < many.high < few.high
    # Wilson, 1927: no hit in ten is still compatible with 28 %
    assert figures.wilson(0, 10) == (0.0, pytest.approx(0.2775, abs=1e-3))
    assert figures.share([]).num == 0


def test_people_who_differ_widen_the_interval():
    alike = figures.share([[True, False]] * 10)
    unlike = figures.share([[True, True]] * 5 + [[False, False]] * 5)
    assert unlike.high - unlike.low > alike.high - alike.low


def test_variety_is_none_for_one_picture_and_zero_for_equal_ones():
    black, white = (np.full((8, 8, 3), value, np.uint8) for value in (0, 255))
    assert figures.variety([black]) is None
    assert figures.variety([black, black]) == 0
    assert figures.variety([black, white]) == pytest.approx(1)


def test_dark_clothes_count_as_alike_and_others_do_not():
    asked = Asked("suit", "navy", "grey studio")
    assert Seen("suit", "black", "office").is_coloured(asked)
    assert not Seen("suit", "red", "office").is_coloured(asked)
    assert not Seen("suit", "navy", "office").is_before(asked)


def test_the_renderer_knows_where_the_detector_sees_the_face():
    from benchmarks import sight
    from benchmarks.portraits import draw_portraits

    seed = people.FIRST_SEED + 1
    view = next(people.selfie_views(seed))
    picture = draw_portraits([(seed, view)])[0]
    found = faces.find_largest(picture)
    known = sight.look(seed, view, people.to_jpeg(picture))
    assert found is not None
    assert known.face is not None
    assert known.accepted
    middle = (found.left + found.right) / 2
    assert abs(sum(known.face.box[::2]) / 2 - middle) < 0.2 * found.size_px
    assert known.face.size_px == pytest.approx(found.size_px, rel=0.25)


def test_the_gallery_shows_people_as_they_are_drawn_now():
    from benchmarks.portraits import draw_portraits

    strangers = gallery.load()
    assert strangers.shape == (gallery.NUM_STRANGERS, gallery.NUM_VIEWS, 128)
    view = next(people.selfie_views(gallery.FIRST_SEED))
    found = likeness.embed(draw_portraits([(gallery.FIRST_SEED, view)])[0])
    assert found is not None
    assert np.linalg.norm(strangers[0] - np.array(found), axis=1).min() < 0.1


def test_the_checker_sees_what_is_drawn():
    from engine.demo.people.renderer import draw

    described = [attributes_training.sample(10_000 + number) for number in range(8)]
    pictures = draw(described, attributes.SIDE_PX).permute(0, 2, 3, 1).numpy()
    seen = attributes.load().see(list(pictures))
    pairs = list(zip(described, seen, strict=True))
    assert sum(found.background == view.background for (_, view), found in pairs) >= 7
    worn = [view.clothes.replace("suit with tie", "suit") for (_, view), _ in pairs]
    counted = [
        found.clothes in attributes.alike("clothes", name)
        for name, (_, found) in zip(worn, pairs, strict=True)
    ]
    assert sum(counted) >= 6


def test_clothes_that_differ_by_a_neckline_count_as_one():
    asked = Asked("sweater", "red", "park")
    assert Seen("t-shirt", "red", "park").wears(asked)
    assert not Seen("hoodie", "red", "park").wears(asked)


def test_a_missing_file_is_named_with_the_command_that_makes_it(tmp_path: Path):
    there, missing = tmp_path / "there", tmp_path / "gallery.safetensors"
    there.touch()
    said = command.missing_files({there: "nothing", missing: "python -m benchmarks.gallery"})
    assert said == ["gallery.safetensors is missing: run python -m benchmarks.gallery"]


def test_wrong_options_are_refused_in_words(capsys: pytest.CaptureFixture[str]):
    for options in (["--people", "0"], ["--styles", "linkedin,spaceman"], ["--count", "0"]):
        with pytest.raises(SystemExit):
            command.parse(options)
    said = capsys.readouterr().err
    assert "--people is 0" in said
    assert "'spaceman' is not among" in said
    assert json.loads(json.dumps(command.parse(["--draw-only", "--set", "batch=2"]).changes)) == [
        ["batch", 2]
    ]
