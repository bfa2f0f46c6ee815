"""Collecting: the card tells the truth, Start starts once, and nothing that was sent is lost."""

import pytest
from conversation_samples import (
    COLLECTION,
    FACTS,
    ME,
    NOW,
    SITUATIONS,
    collection,
    hash_of,
    model,
    photo,
    report,
    session,
    situation,
    training,
)

from bot.conversation.actions import Verb, act
from bot.conversation.effects import (
    AddPhotos,
    ClearCollection,
    DiscardPhotos,
    OpenCollection,
    RemovePhoto,
    StartTraining,
)
from bot.conversation.flow import announce, respond
from bot.conversation.incoming import (
    CollectionChanged,
    Command,
    PhotoJudged,
    PhotosReceived,
    Pressed,
    Said,
    UploadRefused,
)
from bot.conversation.messages import Message
from bot.conversation.reply import Reply
from bot.conversation.session import State
from bot.conversation.situation import Collection, Quota, Situation
from engine.contract.failures import FailureCode
from engine.contract.photos import Missing, PhotoLimits, ReasonCode


def card(now: Situation) -> Message:
    return announce(CollectionChanged(collection_id=COLLECTION), now).messages[-1]


def press(now: Situation, verb: Verb, argument: str = "", row_id: str = COLLECTION) -> Reply:
    return respond(Pressed(action=act(verb, row_id, argument)), now)


def verbs(message: Message) -> list[Verb]:
    return [button.action.verb for row in message.buttons for button in row]


def starts(reply: Reply) -> list[StartTraining]:
    return [effect for effect in reply.effects if isinstance(effect, StartTraining)]


def test_the_card_is_one_message_edited_in_place() -> None:
    few, many = (card(situation(collection=collection(good=n))) for n in (2, 9))

    assert few.card == many.card == f"collection:{COLLECTION}"
    assert (few.progress, many.progress) == (pytest.approx(2 / 6), 1.0)


@pytest.mark.parametrize(
    ("photos", "may_start"),
    [
        (collection(good=5), False),
        (collection(good=6), True),
        (collection(good=6, blurry=3), True),
        (collection(good=9, pending=1), False),
        (collection(good=5, blurry=4), False),
    ],
)
def test_start_is_offered_only_when_enough_are_good_and_none_is_pending(
    photos: Collection, may_start: bool
) -> None:
    assert (Verb.START_TRAINING in verbs(card(situation(collection=photos)))) is may_start


def test_the_card_names_refused_photos_by_number_and_says_what_to_do() -> None:
    shown = card(situation(collection=collection(good=2, blurry=1)))

    assert "Photo 3 is blurred. Hold the phone still" in shown.text
    assert [line.verdict for line in shown.photos] == ["accepted", "accepted", "refused"]
    assert shown.photos[2].reason.startswith("Photo 3 is blurred.")


@pytest.mark.parametrize("code", ReasonCode)
def test_every_reason_has_its_sentence(code: ReasonCode) -> None:
    odd = collection(good=1).model_copy(update={"photos": (photo(1), photo(2, code))})

    shown = card(situation(collection=odd))

    assert shown.photos[1].verdict == "refused"
    assert "hoto 2" in shown.photos[1].reason
    assert "{" not in shown.photos[1].reason
    assert all(str(FACTS[code][fact]) for fact in FACTS[code])


def test_a_repeat_names_the_photo_that_people_see_though_others_were_removed() -> None:
    twin = photo(7).model_copy(update={"sha256": hash_of(5), "report": report(5)})
    left = Collection(id=COLLECTION, photos=(photo(5), photo(6, pending=True), twin))

    assert (
        card(situation(collection=left))
        .photos[2]
        .reason.startswith("Photo 7 is the same as photo 5.")
    )


def test_a_failed_check_asks_for_the_photo_again() -> None:
    broken = photo(1, pending=True).model_copy(update={"failure": FailureCode.INTERNAL})

    shown = card(situation(collection=Collection(id=COLLECTION, photos=(broken,))))

    assert shown.photos[0].verdict == "refused"
    assert "Please send it again" in shown.photos[0].reason


def test_advice_is_friendly_and_short() -> None:
    shown = card(situation(collection=collection(good=7)))

    assert "What would help most:" in shown.text
    assert shown.text.count("\n• ") == 3
    assert "10 to 20 photos give the best likeness" in shown.text


@pytest.mark.parametrize("missing", Missing)
def test_everything_missing_has_its_words(missing: Missing) -> None:
    from bot.conversation.phrases import phrase

    assert phrase("en", f"missing.{missing}", n=2)


def test_a_foreign_or_closed_collection_changes_nothing_on_screen() -> None:
    reply = announce(CollectionChanged(collection_id="0" * 32), SITUATIONS["enough"])

    assert (reply.messages, reply.effects) == ((), ())


def test_refused_photos_are_answered_one_by_one_where_the_frontend_wants_it() -> None:
    now = SITUATIONS["collecting"].model_copy(update={"verdict_replies": True})

    told = announce(PhotoJudged(collection_id=COLLECTION, number=5), now).messages
    silent = announce(PhotoJudged(collection_id=COLLECTION, number=1), now).messages

    assert [message.reply_to for message in told] == [5, None]
    assert [message.card for message in silent] == [f"collection:{COLLECTION}"]


def test_start_trains_once_and_closes_the_card() -> None:
    reply = press(SITUATIONS["enough"], Verb.START_TRAINING)

    (effect,) = starts(reply)
    assert effect == StartTraining(collection_id=COLLECTION, name="Me", quality="standard")
    assert [(m.key, m.final, m.buttons) for m in reply.messages] == [
        ("collection.started", True, ())
    ]


def test_start_pressed_again_is_answered_calmly() -> None:
    reply = press(SITUATIONS["training"], Verb.START_TRAINING)

    assert starts(reply) == []
    assert [m.key for m in reply.messages] == ["start.already"]


def test_start_pressed_while_checks_run_starts_when_they_are_done() -> None:
    checking = situation(collection=collection(good=7, pending=1))

    pressed = press(checking, Verb.START_TRAINING)
    assert pressed.session.start_when_checked
    assert starts(pressed) == []

    done = situation(collection=collection(good=8), session=pressed.session)
    reply = announce(PhotoJudged(collection_id=COLLECTION, number=8), done)
    assert len(starts(reply)) == 1
    assert not reply.session.start_when_checked


def test_a_wish_to_start_ends_when_too_few_are_good_in_the_end() -> None:
    now = situation(
        collection=collection(good=5, blurry=3), session=session(start_when_checked=True)
    )

    reply = announce(CollectionChanged(collection_id=COLLECTION), now)

    assert [m.key for m in reply.messages] == ["collection.card", "start.too_few"]
    assert not reply.session.start_when_checked


@pytest.mark.parametrize("word", ["start", "Start!", "los", "Done."])
def test_start_can_be_said(word: str) -> None:
    assert len(starts(respond(Said(text=word), SITUATIONS["enough"]))) == 1


@pytest.mark.parametrize("state", ["used up", "paused", "banned"])
def test_start_respects_quota_pause_and_ban(state: str) -> None:
    reply = press(SITUATIONS[state], Verb.START_TRAINING)

    assert starts(reply) == []
    assert reply.messages


def test_a_second_training_waits_for_the_first() -> None:
    now = situation(collection=collection(good=8), orders=[training(collection_id="0" * 32)])

    reply = press(now, Verb.START_TRAINING)

    assert starts(reply) == []
    assert [m.key for m in reply.messages] == ["start.another_runs"]


def test_names_count_up_and_retraining_keeps_the_root() -> None:
    twice = situation(collection=collection(good=8), models=[model(), model("b" * 32, "Me 2")])
    again = situation(
        collection=collection(good=8).model_copy(update={"refreshes": ME}),
        models=[model(name="Anna")],
    )

    assert starts(press(twice, Verb.START_TRAINING))[0].name == "Me 3"
    (effect,) = starts(press(again, Verb.START_TRAINING))
    assert (effect.name, effect.refresh_from) == ("Anna 2", ME)


def test_what_failed_is_tried_again_under_its_name_and_from_the_beginning() -> None:
    now = situation(
        collection=collection(good=8).model_copy(update={"refreshes": ME}),
        models=[model(name="Anna", status="failed")],
    )

    (effect,) = starts(press(now, Verb.START_TRAINING))

    assert (effect.name, effect.refresh_from) == ("Anna", None)


def test_quality_is_remembered_until_the_training_starts() -> None:
    opened = respond(Command(name="train", argument="best"), SITUATIONS["new"])
    assert opened.session.quality == "best"

    now = situation(collection=collection(good=8), session=opened.session)
    reply = press(now, Verb.START_TRAINING)

    assert starts(reply)[0].quality == "best"
    assert reply.session.quality is None


def test_photos_alone_open_a_collection_and_say_so() -> None:
    reply = respond(PhotosReceived(photos=(hash_of(1),)), SITUATIONS["new"])

    assert reply.effects == (OpenCollection(), AddPhotos(photos=(hash_of(1),)))
    assert [m.key for m in reply.messages] == ["photos.opened"]


def test_in_a_group_training_goes_on_in_private() -> None:
    reply = respond(Command(name="train"), SITUATIONS["new"].model_copy(update={"in_group": True}))

    assert [(m.key, m.private) for m in reply.messages] == [("train.privately", False)]
    assert reply.effects == (OpenCollection(),)


def test_photos_with_the_command_are_taken() -> None:
    sent = PhotosReceived(photos=(hash_of(1),))

    reply = respond(Command(name="train", photos=sent), SITUATIONS["empty collection"])

    assert reply.effects == (AddPhotos(photos=(hash_of(1),)),)


def test_more_than_thirty_are_told_kindly_and_not_kept() -> None:
    sent = tuple(hash_of(n) for n in range(100, 106))
    now = situation(collection=collection(good=28, blurry=2))

    reply = respond(PhotosReceived(photos=sent), now)

    assert reply.effects == (AddPhotos(photos=sent[:2]), DiscardPhotos(photos=sent[2:]))
    assert [m.key for m in reply.messages] == ["photos.too_many"]


def test_refused_photos_do_not_fill_the_collection_for_ever() -> None:
    limits = PhotoLimits(min_photos=1, max_photos=2)
    now = situation(collection=collection(blurry=4), limits=limits)

    reply = respond(PhotosReceived(photos=(hash_of(50),)), now)

    assert reply.effects == (DiscardPhotos(photos=(hash_of(50),)),)


@pytest.mark.parametrize(
    ("received", "key"),
    [
        (PhotosReceived(num_repeated=2), "photos.repeated"),
        (PhotosReceived(), "photos.none"),
    ],
)
def test_nothing_new_is_answered_too(received: PhotosReceived, key: str) -> None:
    reply = respond(received, SITUATIONS["enough"])

    assert ([m.key for m in reply.messages], reply.effects) == ([key], ())


def test_the_hint_at_files_is_given_once() -> None:
    sent = PhotosReceived(photos=(hash_of(70),), compressed=True)

    first = respond(sent, SITUATIONS["empty collection"])
    later = respond(sent, SITUATIONS["enough"])

    assert [m.key for m in first.messages] == ["photos.compressed"]
    assert later.messages == ()


@pytest.mark.parametrize("reason", ["too_large", "not_an_image", "download_failed"])
def test_files_that_never_became_photos(reason: str) -> None:
    upload = UploadRefused.model_validate({"reason": reason, "limit_mib": 20, "num_files": 3})

    (message,) = respond(upload, SITUATIONS["enough"]).messages

    assert message.key == f"upload.{reason}"
    assert message.text.startswith("3 ")
    assert "photos instead" not in message.text


def test_where_photos_are_sent_smaller_than_files_that_is_the_advice() -> None:
    upload = UploadRefused(reason="too_large", limit_mib=20, photos_are_smaller=True)

    (message,) = respond(upload, SITUATIONS["enough"]).messages

    assert "as a photo instead" in message.text


def test_removing_a_photo() -> None:
    now = SITUATIONS["collecting"]

    (picker,) = press(now, Verb.PICK_PHOTO).messages
    assert [b.label for b in picker.buttons[0]][:2] == ["✗ 5", "✓ 1"]

    reply = press(now, Verb.REMOVE_PHOTO, "5")
    assert reply.effects == (RemovePhoto(collection_id=COLLECTION, number=5),)
    assert "✗ 5" not in [b.label for row in reply.messages[0].buttons for b in row]

    again = press(now, Verb.REMOVE_PHOTO, "99")
    assert not any(isinstance(effect, RemovePhoto) for effect in again.effects)


def test_the_picker_turns_its_pages() -> None:
    now = situation(collection=collection(good=25))

    (first,) = press(now, Verb.PICK_PHOTO).messages
    turn = first.buttons[-1][1].action
    (second,) = respond(Pressed(action=turn), now).messages

    labels = [b.label for m in (first, second) for row in m.buttons[:-1] for b in row]
    assert labels == [f"✓ {n}" for n in range(1, 26)]


def test_starting_over_asks_first() -> None:
    now = SITUATIONS["enough"]

    asked = press(now, Verb.START_OVER)
    assert asked.effects == ()

    done = press(now, Verb.START_OVER_SURELY)
    assert done.effects == (ClearCollection(collection_id=COLLECTION),)


def test_buttons_of_a_card_long_closed_say_so() -> None:
    for verb in (Verb.START_TRAINING, Verb.REMOVE_PHOTO, Verb.START_OVER_SURELY):
        reply = press(SITUATIONS["ready"], verb, "1")
        assert ([m.key for m in reply.messages], reply.effects) == (["collection.gone"], ())


def test_the_quota_says_when_there_is_more() -> None:
    quota = Quota(trainings_left=0, resets_at=NOW.replace(hour=17))

    (message,) = respond(Command(name="train"), situation(quota=quota)).messages

    assert "in about 5 hours" in message.text


def test_one_model_too_many_is_not_begun_however_it_is_asked_for() -> None:
    kept = [model(), model("b" * 32, "Me 2", status="training")]
    failed = model("c" * 32, "Me 3", status="failed")
    full = situation(models=[*kept, failed], quota=Quota(models_at_most=2))
    ready = full.model_copy(update={"collection": collection(good=8)})
    asked = (
        (full, Command(name="train")),
        (full, Pressed(action=act(Verb.RETRAIN_MODEL, ME))),
        (full, Pressed(action=act(Verb.RETRAIN_MODEL, failed.id))),
        (ready, Pressed(action=act(Verb.START_TRAINING, COLLECTION))),
    )
    for now, incoming in asked:
        reply = respond(incoming, now)
        assert ([m.key for m in reply.messages], reply.effects) == (["quota.models"], ())
        assert "You have 2 models" in reply.messages[0].text
    room = full.model_copy(update={"models": (model(), failed)})
    assert respond(Command(name="train"), room).effects == (OpenCollection(),)
    assert respond(Command(name="train"), full.model_copy(update={"quota": Quota()})).effects


def test_photos_drop_an_open_question() -> None:
    reply = respond(PhotosReceived(photos=(hash_of(1),)), SITUATIONS["forgetting"])

    assert reply.session.state is State.IDLE
