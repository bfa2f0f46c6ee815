"""Photos that are kept from the training: how many, which, and never those it knows."""

import pytest
from photo_samples import made_up_report

from engine.contract.photos import PhotoReport, Reason
from engine.photos import holdout


def reports(num: int) -> list[PhotoReport]:
    return [made_up_report(number) for number in range(num)]


@pytest.mark.parametrize(("num", "held_out"), [(6, 0), (7, 0), (8, 2), (11, 2), (12, 3), (30, 3)])
def test_how_many(num: int, held_out: int) -> None:
    assert len(holdout.choose(reports(num))) == held_out


def test_the_same_photos_in_another_order_give_the_same() -> None:
    found = reports(12)
    assert holdout.choose(found) == holdout.choose(found[::-1])


def test_odd_and_turned_photos_are_no_ruler() -> None:
    usual = reports(8)
    odd = [
        made_up_report(20, person=0.4),
        made_up_report(21, person=0.4),
        made_up_report(22, turn_deg=50),
    ]

    chosen = holdout.choose([*odd, *usual])

    assert set(chosen) <= {report.sha256 for report in usual}


def test_what_an_earlier_training_saw_is_not_taken() -> None:
    found = reports(12)
    seen = [report.sha256 for report in found[:9]]

    assert set(holdout.choose(found, seen)) == {report.sha256 for report in found[9:]}
    assert holdout.choose(found, [*seen, found[9].sha256]) == ()


def test_refused_photos_count_for_nothing() -> None:
    blurred = Reason.model_validate({"code": "no_face"})
    found = [r.model_copy(update={"reasons": (blurred,)}) for r in reports(4)]

    assert holdout.choose([*found, *reports(11)[4:]]) == ()
