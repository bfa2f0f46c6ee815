"""Which pictures are shown, from what was seen of them."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.contract.events import Flaw
from engine.generation.ranking import UNSEEN, Look, are_enough, choose, flaws, shortcoming, worth

GOOD = Look(1, sharpness=0.8, eyes_open=0.9, likeness=0.8)


def like(likeness: float, shade: float | None = None) -> Look:
    small = () if shade is None else (shade,) * 12
    return replace(GOOD, likeness=likeness, small=small)


def test_a_good_picture_has_no_flaw() -> None:
    assert flaws(GOOD) == ()
    assert flaws(UNSEEN) == ()


def test_each_flaw_is_seen_the_gravest_first() -> None:
    assert flaws(Look(0, likeness=0.0)) == (Flaw.NO_FACE,)
    assert flaws(replace(GOOD, num_faces=2)) == (Flaw.SEVERAL_FACES,)
    assert flaws(replace(GOOD, is_whole=False)) == (Flaw.CUT_OFF,)
    assert flaws(replace(GOOD, likeness=0.3)) == (Flaw.UNLIKE,)
    assert flaws(replace(GOOD, sharpness=0.1)) == (Flaw.BLURRY,)
    assert flaws(replace(GOOD, eyes_open=0.1)) == (Flaw.EYES_CLOSED,)
    assert flaws(Look(2, is_whole=False, likeness=0.1)) == (
        Flaw.SEVERAL_FACES,
        Flaw.CUT_OFF,
        Flaw.UNLIKE,
    )


def test_what_cannot_be_told_is_no_flaw() -> None:
    assert flaws(Look(1)) == ()


def test_the_most_like_the_person_come_first() -> None:
    assert choose([like(0.5), like(0.9), like(0.7)], 2) == [1, 2]


def test_a_flaw_outweighs_any_likeness() -> None:
    twins = replace(like(1.0), num_faces=2)
    assert choose([twins, like(0.45)], 2) == [1, 0]


def test_sharpness_decides_among_equals_only() -> None:
    soft, sharp = replace(like(0.7), sharpness=0.3), replace(like(0.7), sharpness=0.9)
    assert choose([soft, sharp], 1) == [1]
    assert choose([replace(like(0.72), sharpness=0.3), sharp], 1) == [0]


def test_a_face_too_small_to_tell_is_no_worse_for_it() -> None:
    small = replace(like(0.83), sharpness=None)
    assert choose([replace(like(0.82), sharpness=0.9), small], 1) == [1]
    assert choose([replace(like(0.83), sharpness=0.9), small], 1) == [0]


def test_no_picture_is_shown_twice() -> None:
    twin, again, other = like(0.8, 0.5), like(0.79, 0.51), like(0.7, 0.9)
    assert choose([twin, again, other], 2) == [0, 2]
    much_worse = replace(other, likeness=0.45)
    assert choose([twin, again, much_worse], 2) == [0, 1]


def test_if_nothing_is_good_the_commonest_reason_is_told() -> None:
    faceless, blurry = Look(0), replace(GOOD, sharpness=0.1)
    assert shortcoming([faceless, blurry, blurry]) is Flaw.BLURRY
    assert shortcoming([faceless, faceless]) is Flaw.NO_FACE
    assert shortcoming([faceless, GOOD]) is None
    assert shortcoming([]) is None


LOOKS = st.builds(
    Look,
    num_faces=st.integers(0, 3),
    is_whole=st.booleans(),
    sharpness=st.none() | st.floats(0, 1),
    eyes_open=st.none() | st.floats(0, 1),
    likeness=st.none() | st.floats(0, 1),
    small=st.tuples(*[st.floats(0, 1)] * 3),
)


@settings(deadline=None)
@given(looks=st.lists(LOOKS, max_size=12), count=st.integers(1, 8))
def test_as_many_as_asked_for_each_once_and_the_best_among_them(
    looks: list[Look], count: int
) -> None:
    chosen = choose(looks, count)
    assert len(chosen) == len(set(chosen)) == min(count, len(looks))
    if chosen:
        assert worth(looks[chosen[0]]) == max(worth(look) for look in looks)
    flawless = [row for row, look in enumerate(looks) if not flaws(look)]
    shown = sum(row in chosen for row in flawless)
    assert shown == min(count, len(flawless))


def test_enough_are_those_without_a_flaw_that_are_within_the_persons_own_photos() -> None:
    like, passable = replace(GOOD, likeness=0.84), replace(GOOD, likeness=0.83)
    blurry = replace(GOOD, likeness=0.9, sharpness=0.1)
    assert are_enough([like, passable, blurry], 1)
    assert not are_enough([like, passable, blurry], 2)
    assert are_enough([like, UNSEEN], 2)


def test_what_was_asked_for_counts_among_good_likenesses_alone() -> None:
    elsewhere, unlike = replace(GOOD, likeness=0.87, missing=0.1), replace(GOOD, likeness=0.2)

    assert choose([unlike, elsewhere, GOOD], 3) == [2, 1, 0]


def test_pictures_that_lack_something_are_not_enough() -> None:
    fine = replace(GOOD, likeness=0.87)

    assert are_enough([fine, fine], 2)
    assert not are_enough([fine, replace(fine, missing=0.1)], 2)
