"""Headshots, models and what orders tell while they wait, run and end."""

import pytest
from conversation_samples import (
    ME,
    NOW,
    OTHER,
    SET,
    SITUATIONS,
    STYLES,
    headshot_set,
    model,
    shooting,
    situation,
    training,
)

from bot.conversation.actions import Verb, act
from bot.conversation.effects import (
    CancelOrder,
    ChooseModel,
    DeleteHeadshots,
    DeleteModel,
    Effect,
    Generate,
    OpenCollection,
    RenameModel,
)
from bot.conversation.flow import announce, respond
from bot.conversation.incoming import (
    Command,
    EngineAway,
    EngineBack,
    HeadshotsReady,
    JobCancelled,
    JobFailed,
    OrderProgress,
    OrderQueued,
    Pressed,
    PreviewReady,
    Said,
    TrainingFinished,
)
from bot.conversation.messages import MAX_TEXT, Message
from bot.conversation.reply import Reply
from bot.conversation.session import State
from bot.conversation.situation import Quota, Situation
from engine.contract.events import Flaw
from engine.contract.failures import FAILURE_FACTS, Failure, FailureCode


def headshot(argument: str, now: Situation, **options: str) -> Reply:
    return respond(Command(name="headshot", argument=argument, options=options), now)


def press(now: Situation, verb: Verb, row_id: str = "", argument: str = "") -> Reply:
    return respond(Pressed(action=act(verb, row_id, argument)), now)


def wanted(reply: Reply) -> Generate:
    (effect,) = reply.effects
    assert isinstance(effect, Generate)
    return effect


def keys(reply: Reply) -> list[str]:
    return [message.key for message in reply.messages]


def verbs(message: Message) -> list[Verb]:
    return [button.action.verb for row in message.buttons for button in row]


READY = SITUATIONS["ready"]
TWO = SITUATIONS["two models"]


@pytest.mark.parametrize(
    "argument", ["linkedin", "LinkedIn", " LINKEDIN ", "linked-in", "Linked In", "linkedi"]
)
def test_a_style_is_found_however_it_is_written(argument: str) -> None:
    assert wanted(headshot(argument, READY)).style == "linkedin"


@pytest.mark.parametrize(
    ("argument", "count", "aspect"),
    [
        ("linkedin", 4, None),
        ("linkedin 2", 2, None),
        ("6 linkedin square", 6, "square"),
        ("linkedin 0", 1, None),
        ("linkedin 99", 8, None),
        ("linkedin 999999999999999999999999", 8, None),
    ],
)
def test_count_and_shape_in_any_order(argument: str, count: int, aspect: str | None) -> None:
    effect = wanted(headshot(argument, READY))

    assert (effect.count, effect.aspect) == (count, aspect)


def test_typed_options_do_the_same() -> None:
    effect = wanted(headshot("", TWO, style="linkedin", count="2", aspect="square", model="anna"))

    assert effect == Generate(model_id=OTHER, style="linkedin", count=2, aspect="square")


def test_words_of_ones_own_need_no_style() -> None:
    now = READY.model_copy(update={"free_prompt": True})
    effect = wanted(headshot("", now, prompt="in a rose garden"))

    assert (effect.prompt, effect.style) == ("in a rose garden", next(iter(STYLES)))


def test_the_chosen_model_is_used_and_named() -> None:
    assert wanted(headshot("linkedin", TWO)).model_id == ME

    (card,) = announce(OrderQueued(order=shooting()), TWO).messages
    assert "“Me”" in card.title


def test_without_a_choice_the_newest_ready_model_is_used() -> None:
    now = situation(models=[model(), model(OTHER, "Anna"), model("0" * 32, status="training")])

    assert wanted(headshot("linkedin", now)).model_id == OTHER


def test_an_unknown_model_is_named_back() -> None:
    reply = headshot("linkedin", TWO, model="Berta")

    assert keys(reply) == ["headshot.unknown_model"]
    assert "Berta" in reply.messages[0].text


def test_a_typo_gets_the_nearest_styles_as_buttons() -> None:
    (message,) = headshot("lawer", READY).messages

    assert "Lawyer" in message.text
    assert message.buttons[0][0].action == act(Verb.HEADSHOT, "", "legal")


def test_what_is_left_is_made() -> None:
    now = situation(models=[model()], quota=Quota(headshots_left=2))

    reply = headshot("linkedin 4", now)

    assert wanted(reply).count == 2
    assert keys(reply) == ["headshot.what_is_left"]


def test_in_a_group_it_says_that_they_come_privately() -> None:
    reply = headshot("linkedin", READY.model_copy(update={"in_group": True}))

    assert keys(reply) == ["headshot.privately"]
    assert isinstance(reply.effects[0], Generate)


def test_a_button_pressed_twice_makes_one_order() -> None:
    reply = press(SITUATIONS["shooting"], Verb.HEADSHOT, ME, "linkedin")

    assert (keys(reply), reply.effects) == (["headshot.already"], ())


def test_nobody_fills_the_queue() -> None:
    names = list(STYLES)[:5]
    waiting = [shooting(id=str(n) * 32, style=name) for n, name in enumerate(names)]
    now = situation(models=[model()], orders=waiting)

    assert keys(headshot(list(STYLES)[6], now)) == ["headshot.many_waiting"]


def test_again_asks_for_new_seeds_and_more_like_me_for_the_same_ones() -> None:
    again = wanted(press(READY, Verb.AGAIN, SET))
    closer = wanted(press(READY, Verb.MORE_LIKE_ME, SET))

    assert (again.seed, again.strength, again.style) == (None, 1.0, "linkedin")
    assert (closer.seed, closer.strength) == (100, 1.15)


def test_more_like_me_has_an_end_and_offers_retraining() -> None:
    now = situation(models=[model()], headshot_sets=[headshot_set(strength=1.3)])

    reply = press(now, Verb.MORE_LIKE_ME, SET)

    assert (keys(reply), reply.effects) == (["headshots.strongest"], ())
    assert Verb.RETRAIN_MODEL in verbs(reply.messages[0])


def test_another_style_is_made_with_the_same_model() -> None:
    (menu,) = press(TWO, Verb.OTHER_STYLE, SET).messages
    (page,) = respond(Pressed(action=menu.buttons[0][0].action), TWO).messages

    assert page.buttons[0][0].action == act(Verb.HEADSHOT, ME, "linkedin")


@pytest.mark.parametrize("verb", [Verb.AGAIN, Verb.MORE_LIKE_ME, Verb.OTHER_STYLE])
def test_a_deleted_model_makes_no_more(verb: Verb) -> None:
    reply = press(situation(headshot_sets=[headshot_set()]), verb, SET)

    assert (keys(reply), reply.effects) == (["model.gone"], ())


def test_full_size_sends_files() -> None:
    (message,) = press(READY, Verb.FULL_SIZE, SET).messages

    assert len(message.pictures) == 4
    assert all(picture.as_file for picture in message.pictures)


def test_only_the_share_button_makes_anything_public() -> None:
    group = READY.model_copy(update={"in_group": True})

    (shared,) = press(group, Verb.SHARE, SET).messages
    (alone,) = press(READY, Verb.SHARE, SET).messages

    assert not shared.private
    assert not any("seed" in picture.caption for picture in shared.pictures)
    assert alone.private
    assert alone.pictures == ()


def test_sharing_shows_the_latest_to_oneself_first() -> None:
    group = READY.model_copy(update={"in_group": True, "here_is_private": True})

    (shown,) = respond(Command(name="share"), group).messages
    (alone,) = respond(Command(name="share"), READY).messages

    assert shown.private
    assert Verb.SHARE in {button.action.verb for row in shown.buttons for button in row}
    assert alone.key == "headshots.share_where"


def test_deleting_asks_first() -> None:
    assert press(READY, Verb.DELETE_SET, SET).effects == ()
    assert press(READY, Verb.DELETE_SET_SURELY, SET).effects == (DeleteHeadshots(set_id=SET),)


def test_a_set_of_somebody_else_is_not_found() -> None:
    reply = press(READY, Verb.FULL_SIZE, "0" * 32)

    assert keys(reply) == ["headshots.gone"]


def test_results_say_that_they_are_the_best_of_more() -> None:
    happened = HeadshotsReady(order=shooting(), headshots=headshot_set(num_drawn=8))

    text = announce(happened, READY).messages[1].text

    assert "The best 4 of 8, made in 12 seconds." in text
    assert "More like me" in text


@pytest.mark.parametrize("flaw", Flaw)
def test_results_that_are_not_good_are_not_praised(flaw: Flaw) -> None:
    made = headshot_set(num_drawn=8, shortcoming=flaw)
    happened = HeadshotsReady(order=shooting(), headshots=made)

    shown = announce(happened, READY).messages[1]

    assert "Not quite you?" not in shown.text
    assert ("best 4 of 8" in shown.text) == (flaw is not Flaw.NO_FACE)
    assert len(shown.pictures) == 4
    assert (Verb.RETRAIN_MODEL in verbs(shown)) == (flaw is Flaw.UNLIKE)
    advice = shown.text.rpartition("\n\n")[2]
    assert "“Again”" in advice or "“More like me”" in advice


@pytest.mark.parametrize("words", ["seed 102", "Seed: 102", "#102", "seed=102"])
def test_a_seed_is_asked_for_again_exactly_as_it_was(words: str) -> None:
    strong = headshot_set(strength=1.15, aspect="square", prompt="on a boat")
    now = situation(models=[model()], headshot_sets=[strong, headshot_set(shots=())])

    again = wanted(headshot(words, now))

    assert (again.seed, again.exact, again.count) == (102, True, 1)
    assert (again.style, again.strength) == ("linkedin", 1.15)
    assert (again.aspect, again.prompt) == ("square", "on a boat")


def test_a_seed_with_a_style_is_drawn_whether_known_or_not() -> None:
    exact = wanted(headshot("linkedin seed 7 square", READY))
    more = wanted(headshot("linkedin 3 #7", READY))

    assert (exact.seed, exact.exact, exact.count, exact.aspect) == (7, True, 1, "square")
    assert (more.seed, more.count) == (7, 3)
    assert not wanted(headshot("linkedin", READY)).exact


def test_a_seed_that_nobody_remembers_needs_its_style() -> None:
    reply = headshot("seed 5", READY)

    assert (keys(reply), reply.effects) == (["headshot.unknown_seed"], ())
    assert "/headshot linkedin seed 5" in reply.messages[0].text


def test_a_seed_of_a_deleted_model_is_drawn_no_more() -> None:
    reply = headshot("seed 102", situation(headshot_sets=[headshot_set()]))

    assert (keys(reply), reply.effects) == (["model.gone"], ())


def test_a_seed_is_no_second_press_of_what_waits() -> None:
    assert wanted(headshot("linkedin seed 102", SITUATIONS["shooting"])).exact


def test_results_show_seeds_likeness_and_every_button() -> None:
    happened = HeadshotsReady(order=shooting(), headshots=headshot_set())

    ended, shown = announce(happened, READY).messages

    assert (ended.card, ended.final) == (f"order:{shooting().id}", True)
    assert shown.pictures[0].caption == "1 · seed 100 · likeness 90 %"
    assert shown.pictures[0].filename == "linkedin-1-100.jpg"
    assert set(verbs(shown)) == {
        Verb.AGAIN,
        Verb.MORE_LIKE_ME,
        Verb.OTHER_STYLE,
        Verb.BACKGROUND,
        Verb.CLOTHES,
        Verb.FULL_SIZE,
        Verb.PROFILES,
        Verb.ZIP,
        Verb.DELETE_SET,
    }


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (training(status="queued", position=1), "Next in line · 2 to 3 minutes left"),
        (training(status="queued", position=3, eta_s=None), "Number 3 in line"),
        (training(status="queued", position=None, eta_s=None), "Waiting for a free place"),
        (training(), "34 % · 2 to 3 minutes left"),
        (training(eta_s=(20.0, 40.0)), "34 % · less than a minute left"),
        (training(eta_s=(50.0, 60.1)), "34 % · 1 to 2 minutes left"),
        (training(eta_s=(7000.0, 9000.0)), "34 % · 2 to 3 hours left"),
        (training(eta_s=(float("inf"), float("nan"))), "34 %"),
        (training(phase="loading"), "Loading the model …"),
        (training(cancelling=True), "Stopping …"),
    ],
)
def test_the_card_says_where_an_order_stands(order: object, words: str) -> None:
    (card,) = announce(OrderProgress.model_validate({"order": order}), READY).messages

    assert words in card.text.split("\n\n")[0]


def test_the_bar_belongs_to_what_takes_long() -> None:
    (loading,) = announce(OrderProgress(order=training(phase="loading")), READY).messages
    (running,) = announce(OrderProgress(order=training()), READY).messages

    assert (loading.progress, running.progress) == (None, 0.34)


def test_a_preview_comes_into_the_card_and_stays() -> None:
    order = training(preview_key="people/x/preview.jpg")

    (shown,) = announce(PreviewReady(order=order), READY).messages
    (later,) = announce(OrderProgress(order=order), READY).messages

    assert shown.pictures == later.pictures
    assert shown.pictures[0].key == "people/x/preview.jpg"


def test_an_engine_that_is_away_is_not_hidden() -> None:
    away = READY.model_copy(update={"engine_alive": False})

    assert "not answering" in announce(OrderQueued(order=shooting()), away).messages[0].text
    assert keys(announce(EngineAway(), away)) == ["engine.away"]
    assert keys(announce(EngineBack(), READY)) == ["engine.back"]


def test_a_ready_model_comes_with_its_first_styles() -> None:
    happened = TrainingFinished(order=training(), model=model(), seconds=250)

    ended, told = announce(happened, READY).messages

    assert ended.final
    assert "91 %" in told.text
    assert verbs(told).count(Verb.HEADSHOT) == 6
    assert all(b.action.id == ME[:12] for row in told.buttons[:2] for b in row)
    assert len({b.action.argument for row in told.buttons[:2] for b in row}) == 6


def test_a_modest_likeness_is_admitted() -> None:
    happened = TrainingFinished(order=training(), model=model(likeness=0.4), seconds=250)

    told = announce(happened, READY).messages[-1]

    assert "modest" in told.text
    assert Verb.RETRAIN_MODEL in verbs(told)


FACTS = {
    "num_photos": 4,
    "min_photos": 6,
    "number": 3,
    "lora_base": "demo",
    "base": "FLUX.1-dev",
    "part": "vae",
    "needed_mib": 24576,
    "free_mib": 9000,
    "error": "RuntimeError",
    "num_crashes": 4,
    "version": 2,
    "supported": 1,
}


def failure(code: FailureCode) -> Failure:
    return Failure.model_validate({"code": code, **{f: FACTS[f] for f in FAILURE_FACTS[code]}})


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("kind", ["training", "headshots"])
@pytest.mark.parametrize("code", FailureCode)
def test_every_failure_says_what_happened_and_what_to_do(
    code: FailureCode, kind: str, language: str
) -> None:
    order = training() if kind == "training" else shooting()
    now = READY.model_copy(update={"platform_locale": language})

    ended, told = announce(JobFailed(order=order, failure=failure(code)), now).messages

    assert (ended.card, ended.final) == (f"order:{order.id}", True)
    assert told.key == f"failure.{code}"
    assert told.buttons
    assert "{" not in told.text
    assert "RuntimeError" not in told.text


def test_admins_are_told_the_kind_of_error() -> None:
    now = READY.model_copy(update={"is_admin": True})

    told = announce(
        JobFailed(order=training(), failure=failure(FailureCode.GPU_FAILED)), now
    ).messages[-1]

    assert "RuntimeError" in told.text


def test_memory_is_told_in_gigabytes() -> None:
    happened = JobFailed(order=training(), failure=failure(FailureCode.GPU_OUT_OF_MEMORY))

    assert "24 GB needed, 9 GB free" in announce(happened, READY).messages[-1].text


@pytest.mark.parametrize(
    ("code", "verb"),
    [
        (FailureCode.GPU_FAILED, Verb.HEADSHOT),
        (FailureCode.LORA_MISSING, Verb.RETRAIN_MODEL),
        (FailureCode.BASE_MISSING, Verb.COMMAND),
    ],
)
def test_the_remedy_suits_the_failure(code: FailureCode, verb: Verb) -> None:
    told = announce(JobFailed(order=shooting(), failure=failure(code)), READY).messages[-1]

    assert verbs(told) == [verb]


def test_a_cancelled_training_can_be_begun_again_unless_its_model_is_gone() -> None:
    (kept,) = announce(JobCancelled(order=training()), READY).messages
    (gone,) = announce(JobCancelled(order=training()), SITUATIONS["new"]).messages

    assert verbs(kept) == [Verb.RETRAIN_MODEL]
    assert (gone.key, gone.buttons) == ("cancelled.model_gone", ())


@pytest.mark.parametrize(
    ("verb", "effect"),
    [
        (Verb.CHOOSE_MODEL, ChooseModel(model_id=OTHER)),
        (Verb.DELETE_MODEL_SURELY, DeleteModel(model_id=OTHER)),
        (Verb.RETRAIN_MODEL, OpenCollection(refreshes=OTHER)),
    ],
)
def test_what_can_be_done_with_a_model(verb: Verb, effect: Effect) -> None:
    assert press(TWO, verb, OTHER).effects == (effect,)


def test_deleting_a_model_in_training_stops_it_first() -> None:
    reply = press(SITUATIONS["training"], Verb.DELETE_MODEL_SURELY, ME)

    assert reply.effects == (CancelOrder(order_id=training().id), DeleteModel(model_id=ME))


def test_a_model_in_training_cannot_be_chosen() -> None:
    assert keys(press(SITUATIONS["training"], Verb.CHOOSE_MODEL, ME)) == ["choose.training"]


def test_retraining_never_throws_away_photos_of_another_collection() -> None:
    now = SITUATIONS["used up"].model_copy(update={"quota": Quota()})

    reply = press(now, Verb.RETRAIN_MODEL, ME)

    assert (keys(reply), reply.effects) == (["retrain.other_photos"], ())


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("  Office\n me ", "rename.done"),
        ("Me", "rename.done"),
        ("anna", "rename.taken"),
        ("\u202e\x00", "rename.empty"),
        ("x" * 33, "rename.too_long"),
        ("👩🏽‍🦱 שלום", "rename.done"),
    ],
)
def test_renaming(name: str, key: str) -> None:
    reply = respond(Said(text=name), SITUATIONS["renaming"])

    assert keys(reply)[0] == key
    still_asking = key != "rename.done"
    assert (reply.session.state is State.RENAMING) is still_asking
    if not still_asking:
        assert reply.effects == (RenameModel(model_id=ME, name=" ".join(name.split())),)


def test_a_form_renames_without_a_question() -> None:
    by_id = Command(name="models", options={"id": ME[:12], "rename": "Ada"})
    by_name = Command(name="models", argument="me", options={"rename": "Ada"})

    for command in (by_id, by_name):
        reply = respond(command, READY)
        assert reply.effects == (RenameModel(model_id=ME, name="Ada"),)
        assert reply.session.state is State.IDLE
    assert respond(by_id, SITUATIONS["new"]).effects == ()


def test_a_command_ends_renaming_even_as_text() -> None:
    reply = respond(Said(text="/cancel"), SITUATIONS["renaming"])

    assert keys(reply) == ["cancel.question"]
    assert reply.session.state is State.IDLE


def test_cancel_by_button_all_and_twice() -> None:
    busy = SITUATIONS["busy"]

    one = press(busy, Verb.CANCEL_ORDER, training().id)
    everything = respond(Command(name="cancel", argument="all"), busy)
    twice = press(SITUATIONS["stopping"], Verb.CANCEL_ORDER, training().id)
    late = press(READY, Verb.CANCEL_ORDER, training().id)

    assert one.effects == (CancelOrder(order_id=training().id),)
    assert len(everything.effects) == 2
    assert (keys(twice), twice.effects) == (["cancel.already"], ())
    assert (keys(late), late.effects) == (["cancel.ended"], ())


def test_status_shows_place_bar_time_and_quota() -> None:
    quota = Quota(headshots_left=7, trainings_left=1, resets_at=NOW)
    (shown,) = respond(
        Command(name="status"), SITUATIONS["busy"].model_copy(update={"quota": quota})
    ).messages

    assert "Number 2 in line" in shown.text
    assert "Training “Anna” · 34 % · 2 to 3 minutes left" in shown.text
    assert "7 headshots, 1 training" in shown.text
    assert shown.progress == 0.34
    assert verbs(shown) == [Verb.CANCEL_ORDER, Verb.CANCEL_ORDER]


def test_every_style_can_be_reached_by_buttons() -> None:
    (menu,) = respond(Command(name="styles"), READY).messages
    found: set[str] = set()
    for category in (button.action for row in menu.buttons for button in row):
        (page,) = respond(Pressed(action=category), READY).messages
        found |= {b.action.argument for row in page.buttons for b in row} & STYLES.keys()

    assert found == STYLES.keys()


def test_a_large_category_has_pages() -> None:
    base = next(iter(STYLES.values()))
    many = {
        f"style-{n}": base.model_copy(update={"name": f"style-{n}", "title": f"Style {n}"})
        for n in range(40)
    }
    now = situation(models=[model()], styles=many)
    (menu,) = respond(Command(name="styles"), now).messages
    seen: set[str] = set()
    action = menu.buttons[0][0].action
    for _ in range(3):
        (page,) = respond(Pressed(action=action), now).messages
        *rows, (_, following) = page.buttons
        assert len(rows) <= 4
        seen |= {b.action.argument for row in rows for b in row}
        action = following.action

    assert seen == many.keys()


def test_examples_are_shown_where_there_are_some() -> None:
    now = READY.model_copy(update={"examples": {"linkedin": "examples/linkedin.jpg"}})

    (menu,) = respond(Command(name="styles"), now).messages

    assert [picture.key for picture in menu.pictures] == ["examples/linkedin.jpg"]


def test_a_huge_catalogue_still_fits() -> None:
    base = next(iter(STYLES.values()))
    many = {
        f"style-{n}": base.model_copy(
            update={"name": f"style-{n}", "title": "T" * 40, "category": f"category {n % 60}"}
        )
        for n in range(900)
    }

    (menu,) = respond(Command(name="styles"), situation(styles=many)).messages

    assert len(menu.title) + len(menu.text) <= MAX_TEXT
    assert sum(len(row) for row in menu.buttons) <= 25


@pytest.mark.parametrize(("language", "said"), [("en", "imported, "), ("de", "importiert, ")])
def test_a_model_from_elsewhere_has_no_photos_to_count(language: str, said: str) -> None:
    foreign = model(num_photos=0, likeness=None)
    now = situation(models=(foreign,), platform_locale=language)

    (card,) = respond(Command(name="models"), now).messages

    assert said in card.text
    assert "0" not in card.text.split(said)[0]
