"""Photos judged against one another: repeats, strangers, coverage; on made-up numbers."""

import pytest
from photo_samples import made_up_report

from engine.contract.photo_set import judge
from engine.contract.photos import Missing, PhotoLimits, PhotoReport, Reason, SetVerdict

ME, STRANGER = 0.0, 1.0


def told(verdict: SetVerdict) -> list[list[str]]:
    return [[reason.code.value for reason in reasons] for reasons in verdict.reasons]


def me(*numbers: int) -> list[PhotoReport]:
    return [made_up_report(number) for number in numbers]


def moved(report: PhotoReport, by: float, number: int = 99, bits: int = 0) -> PhotoReport:
    """Another file of the same moment: the face `by` apart, the hash `bits`."""
    assert report.face is not None
    embedding = list(report.face.embedding)
    embedding[120] += by
    face = report.face.model_copy(update={"embedding": tuple(embedding)})
    fingerprint = f"{int(report.fingerprint, 16) ^ (2**bits - 1):016x}"
    return report.model_copy(
        update={"sha256": f"{number:064x}", "face": face, "fingerprint": fingerprint}
    )


def test_nothing_yet() -> None:
    verdict = judge([])

    assert verdict.reasons == ()
    assert not verdict.ready
    assert Missing.MORE_PHOTOS in verdict.missing


def test_different_photos_of_one_person() -> None:
    verdict = judge(me(*range(12)))

    assert told(verdict) == [[]] * 12
    assert verdict.coverage.num_accepted == 12
    assert verdict.ready


def test_reasons_of_a_photo_itself_stay_and_it_does_not_count() -> None:
    blurry = Reason.model_validate({"code": "blurry", "sharpness": 0.1, "min_sharpness": 0.24})
    bad = made_up_report(1).model_copy(update={"reasons": (blurry,)})

    verdict = judge([*me(0), bad])

    assert verdict.reasons == ((), (blurry,))
    assert verdict.coverage.num_accepted == 1


def test_a_repeat_names_the_photo_that_it_repeats() -> None:
    verdict = judge(me(0, 1, 1, 1))

    assert told(verdict) == [[], [], ["duplicate"], ["duplicate"]]
    assert [reasons[0].facts for reasons in verdict.reasons[2:]] == [{"of": 2}, {"of": 2}]


def test_a_refused_photo_sent_again_is_a_repeat_too() -> None:
    no_face = Reason.model_validate({"code": "no_face"})
    bad = made_up_report(1).model_copy(update={"reasons": (no_face,), "face": None})

    assert told(judge([bad, bad])) == [["no_face"], ["duplicate"]]


@pytest.mark.parametrize(
    ("by", "bits", "expected"),
    [
        (0.05, 0, ["near_duplicate"]),  # encoded again, scaled
        (0.15, 5, ["near_duplicate"]),  # the next frame of a burst
        (0.07, 20, ["near_duplicate"]),  # cropped
        (0.30, 4, []),  # another face before the same wall
        (0.15, 20, []),  # another moment
        (0.07, 40, []),  # another place
    ],
)
def test_near_duplicates(by: float, bits: int, expected: list[str]) -> None:
    first = made_up_report(0)

    verdict = judge([first, moved(first, by, bits=bits)])

    assert told(verdict) == [[], expected]


def test_a_turned_head_before_the_same_wall_is_no_repeat() -> None:
    first = made_up_report(0)
    turned = moved(first, 0.1, bits=4)
    assert turned.face is not None
    turned = turned.model_copy(update={"face": turned.face.model_copy(update={"yaw_deg": 20.0})})

    assert told(judge([first, turned])) == [[], []]


def test_a_repeat_of_a_refused_photo_may_take_its_place() -> None:
    cut_off = Reason.model_validate({"code": "face_cut_off", "side": "left"})
    first = made_up_report(0).model_copy(update={"reasons": (cut_off,)})

    assert told(judge([first, moved(made_up_report(0), 0.05)])) == [["face_cut_off"], []]


@pytest.mark.parametrize("place", [0, 2, 5])
def test_a_stranger_is_found_wherever_they_stand(place: int) -> None:
    photos = me(0, 1, 2, 3, 4)
    photos.insert(place, made_up_report(50, STRANGER))

    verdict = judge(photos)

    assert told(verdict) == [["not_the_same_person"] if i == place else [] for i in range(6)]
    facts = verdict.reasons[place][0].facts
    assert facts["max_distance"] == PhotoLimits().max_distance
    assert facts["distance"] > facts["max_distance"]


def test_the_larger_group_wins() -> None:
    photos = [made_up_report(i, STRANGER) for i in range(3)] + me(10, 11, 12, 13)

    assert told(judge(photos)) == [["not_the_same_person"]] * 3 + [[]] * 4


def test_of_two_that_disagree_the_first_stays() -> None:
    photos = [made_up_report(0), made_up_report(1, STRANGER)]

    assert told(judge(photos)) == [[], ["not_the_same_person"]]
    assert told(judge(photos[::-1])) == [[], ["not_the_same_person"]]


def test_repeats_of_a_stranger_make_no_majority() -> None:
    photos = [*me(0, 1, 2), *[made_up_report(50, STRANGER)] * 5]

    assert told(judge(photos)) == [[]] * 3 + [["not_the_same_person"]] + [["duplicate"]] * 4


def test_a_stranger_does_not_come_in_by_one_unlucky_photo() -> None:
    """Halfway between the person and the stranger lies a photo that resembles both."""
    halfway = made_up_report(20, 0.5)
    photos = [*me(0, 1, 2, 3, 4), halfway, made_up_report(50, STRANGER)]

    assert told(judge(photos)) == [[]] * 6 + [["not_the_same_person"]]


def test_where_photos_agree_closely_a_relative_stands_out() -> None:
    relative = made_up_report(50, 0.62)
    alike = [_nearer(made_up_report(i)) for i in range(6)]

    assert told(judge([*me(0, 1, 2, 3, 4, 5), relative])) == [[]] * 6 + [["not_the_same_person"]]
    assert told(judge([*alike, _nearer(relative)])) == [[]] * 6 + [["not_the_same_person"]]
    assert told(judge([*alike[:4], _nearer(relative)])) == [[]] * 5


def _nearer(report: PhotoReport) -> PhotoReport:
    """The same, with photos of one person 0.28 apart instead of 0.4."""
    assert report.face is not None
    numbers = [0.2 if number == 0.28 else number for number in report.face.embedding]
    face = report.face.model_copy(update={"embedding": tuple(numbers)})
    return report.model_copy(update={"face": face})


def test_coverage_counts_sides_lights_and_distances() -> None:
    photos = [
        made_up_report(0, turn_deg=3, size_px=500),
        made_up_report(1, turn_deg=-8, brightness=0.8),
        made_up_report(2, turn_deg=30),
        made_up_report(3, turn_deg=40),
        made_up_report(4, turn_deg=-25, size_px=200),
    ]

    verdict = judge(photos, PhotoLimits(min_photos=5))

    assert verdict.coverage.model_dump() == {
        "num_accepted": 5,
        "frontal": 2,
        "three_quarter_left": 1,
        "three_quarter_right": 2,
        "num_lights": 2,
        "close_up": 1,
        "farther_away": 1,
    }
    assert verdict.missing == ()
    assert verdict.ready


def test_what_is_missing() -> None:
    verdict = judge(me(0, 1))

    assert verdict.missing == (
        Missing.MORE_PHOTOS,
        Missing.THREE_QUARTER_LEFT,
        Missing.THREE_QUARTER_RIGHT,
        Missing.OTHER_LIGHT,
        Missing.CLOSE_UP,
        Missing.FARTHER_AWAY,
    )
