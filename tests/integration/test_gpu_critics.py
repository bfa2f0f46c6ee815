"""Critics in their own processes, on pictures with one face, with two, with half a one."""

from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image, ImageFilter

from engine.contract.events import Flaw
from engine.generation.ranking import UNSEEN, Look, flaws
from engine.gpu.critic_process import Person, look
from engine.gpu.critics import PROCESS, Critics
from engine.photos import likeness

FACES = Path(__file__).parent.parent / "unit" / "faces"


def face(name: str) -> Image.Image:
    return Image.open(FACES / f"{name}.jpg").convert("RGB")


@pytest.fixture(scope="module")
def ann() -> Person:
    embeddings = [likeness.embed(np.asarray(face(f"ann-{side}"))) for side in ("left", "right")]
    return Person([each for each in embeddings if each], typical=0.45)


def seen(image: Image.Image, person: Person) -> Look:
    return look(np.asarray(image), person)


def test_a_good_picture_of_the_person_has_no_flaw(ann: Person) -> None:
    found = seen(face("ann-front"), ann)
    assert flaws(found) == ()
    assert found.likeness is not None
    assert found.likeness > 0.6
    assert found.face is not None
    assert 0 < found.face[0] < found.face[2] < 640


def test_somebody_else_is_not_like_them(ann: Person) -> None:
    assert flaws(seen(face("bob-front"), ann)) == (Flaw.UNLIKE,)


def test_likeness_is_left_open_where_there_is_nothing_to_compare_with() -> None:
    assert seen(face("ann-front"), Person((), 0.45)).likeness is None


def test_a_second_face_is_seen(ann: Person) -> None:
    both = Image.new("RGB", (1280, 640))
    both.paste(face("ann-front"), (0, 0))
    both.paste(face("bob-front"), (640, 0))
    assert Flaw.SEVERAL_FACES in flaws(seen(both, ann))


def test_half_a_face_is_cut_off_or_none(ann: Person) -> None:
    box = seen(face("ann-front"), ann).face
    assert box is not None
    left, top, right, bottom = (round(side) for side in box)
    for part in ((0, (top + bottom) // 2 - 20, 640, 640), (left + 30, 0, 640, 640)):
        found = flaws(seen(face("ann-front").crop(part), ann))
        assert {Flaw.CUT_OFF, Flaw.NO_FACE} & {*found}, part
    assert right <= 640


def test_a_blurred_face_is_blurred(ann: Person) -> None:
    soft = face("ann-front").filter(ImageFilter.GaussianBlur(9))
    assert Flaw.BLURRY in flaws(seen(soft, ann))


def test_a_small_face_is_not_called_blurred(ann: Person) -> None:
    found = seen(face("ann-front").resize((128, 128)), ann)
    assert (found.num_faces, found.sharpness) == (1, None)


def test_no_face_is_no_face(ann: Person) -> None:
    assert flaws(seen(Image.new("RGB", (80, 80), (90, 120, 90)), ann)) == (Flaw.NO_FACE,)


def test_a_process_sees_the_same_and_another_one_takes_its_place(ann: Person) -> None:
    critics, picture = Critics(), face("ann-front")
    assert critics.look(picture, ann).wait() == seen(picture, ann)
    for child in psutil.Process().children():
        if PROCESS in child.cmdline():
            child.kill()
            child.wait(5)
    again = [critics.look(picture, ann).wait() for _ in range(2)]
    assert again[-1] == seen(picture, ann)
    broken = critics.look(picture, Person([[0.0]], 0.45))  # an embedding that is none
    assert broken.wait() == UNSEEN
    assert critics.look(picture, ann).wait() == again[-1]
    critics.close()
    assert not any(PROCESS in child.cmdline() for child in psutil.Process().children())
