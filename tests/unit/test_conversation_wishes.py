"""Another background, other clothes, a prompt of one's own: how they are asked for and answered."""

import pytest
from conversation_samples import ME, SET, SITUATIONS, STYLES, headshot_set, shooting

from bot.conversation.actions import Verb, act, decode, encode
from bot.conversation.effects import Generate
from bot.conversation.flow import announce, respond
from bot.conversation.incoming import Command, HeadshotsReady, OrderQueued, Pressed, Said
from bot.conversation.phrases import LANGUAGES, phrase
from bot.conversation.reply import Reply
from bot.conversation.situation import Situation
from bot.conversation.wardrobe import (
    BACKGROUNDS,
    COLOURS,
    GARMENTS,
    background_of,
    clothes_of,
    suggested,
)
from bot.conversation.wishes import Wish, read_wish

READY = SITUATIONS["ready"]
LINKEDIN = STYLES["linkedin"]


def headshot(argument: str, now: Situation = READY, **options: str) -> Reply:
    return respond(Command(name="headshot", argument=argument, options=options), now)


def wanted(reply: Reply) -> Generate:
    (effect,) = reply.effects
    assert isinstance(effect, Generate)
    return effect


@pytest.mark.parametrize(
    ("argument", "wish"),
    [
        ("linkedin", Wish(style="linkedin")),
        ("linkedin background: office", Wish(style="linkedin", background="office")),
        ("linkedin Background=office", Wish(style="linkedin", background="office")),
        ("linkedin background office", Wish(style="linkedin", background="office")),
        (
            "2 linkedin clothes: navy suit background: brick wall square",
            Wish("linkedin", 2, "square", background="brick wall", clothes="navy suit"),
        ),
        (
            "linkedin hintergrund: Büro kleidung: roter Pullover 3",
            Wish("linkedin", 3, background="Büro", clothes="roter Pullover"),
        ),
        ("clothes: suit", Wish(clothes="suit")),
        ("linkedin prompt: 2 cats, square", Wish("linkedin", prompt="2 cats, square")),
        ("linkedin\nbackground:\npark", Wish("linkedin", background="park")),
        ("the background", Wish("the background")),
    ],
)
def test_what_is_asked_for_is_read_from_words(argument: str, wish: Wish) -> None:
    assert read_wish(Command(name="headshot", argument=argument)) == wish


def test_what_is_asked_for_is_read_from_options() -> None:
    options = {"style": "park", "background": "office", "clothes": "suit", "count": "2"}

    assert read_wish(Command(name="headshot", argument="square", options=options)) == Wish(
        "park", 2, "square", background="office", clothes="suit"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_name_is_understood_in_every_language(language: str) -> None:
    for key, words in BACKGROUNDS.items():
        assert background_of(phrase(language, f"background.{key}"), STYLES) == words
    for key, (garment, _) in GARMENTS.items():
        said = f"{phrase(language, 'colour.purple')} {phrase(language, f'garment.{key}')}"
        assert clothes_of(said, LINKEDIN, STYLES) == (garment.replace("{c}", "purple"),)
        said = f"{phrase(language, f'garment.{key}')} in {phrase(language, 'colour.purple')}"
        assert clothes_of(said, LINKEDIN, STYLES) == (garment.replace("{c}", "purple"),)
    for key, colour in COLOURS.items():
        said = f"{phrase(language, f'colour.{key}')} {phrase(language, 'garment.hoodie')}"
        (worn,) = clothes_of(said, LINKEDIN, {})
        assert worn in (f"a {colour} hoodie", f"an {colour} hoodie")


@pytest.mark.parametrize(
    ("said", "background"),
    [
        ("OFFICE", "blurred modern office background"),
        ("in the office", "blurred modern office background"),
        ("offise", "blurred modern office background"),
        ("biblio", "bookshelves in the background"),
        ("classroom", "blurred classroom background"),
        ("gray studio", "gray studio background"),
        ("grey studio", "gray studio background"),
        ("a dark grey backdrop", "plain dark gray backdrop"),
        ("on the moon", None),
        ("{subject}", None),
        ("?!", None),
    ],
)
def test_a_background_is_found_however_it_is_written(said: str, background: str | None) -> None:
    assert background_of(said, STYLES) == background


@pytest.mark.parametrize(
    ("said", "clothes"),
    [
        ("charcoal blazer", ("a charcoal blazer over a white shirt",)),
        ("charcoal", ("a charcoal suit with a tie", "a charcoal blazer over a white shirt")),
        ("a black turtleneck", ("a black turtleneck",)),
        ("schwarzer Rollkragenpullover", ("a black turtleneck",)),
        ("hellblaues Hemd", ("a light blue shirt",)),
        ("gray sweater", ("a grey sweater",)),
        ("ein weißes T-Shirt", ("a white t-shirt",)),
        ("T-Shirt in Weiß", ("a white t-shirt",)),
        ("hoodie in light blue", ("a light blue hoodie",)),
        ("orange hoodie", ("an orange hoodie",)),
        ("turtelneck", ("a black turtleneck",)),
        ("graduation gown", ("a black graduation gown",)),
        ("a cape", ()),
        ("red", ("a red hiking jacket",)),
        ("", ()),
    ],
)
def test_clothes_are_the_styles_own_or_of_the_wardrobe(said: str, clothes: tuple[str]) -> None:
    assert clothes_of(said, LINKEDIN, STYLES) == clothes


@pytest.mark.parametrize(
    ("kind", "typed", "locale", "names"),
    [
        ("background", "stud", "en-GB", [f"{c} studio" for c in ("grey", "white")]),
        ("background", "bü", "de", ["Büro", "Bühne"]),
        ("background", "moon", "de", []),
        ("garment", "jack", "fr", ["denim jacket", "leather jacket"]),
        ("garment", "light blue sh", "en-US", ["light blue shirt"]),
        ("garment", "roter p", "de", ["Pullover in Rot", "Poloshirt in Rot"]),
    ],
)  # fmt: skip
def test_names_are_offered_while_one_types(kind, typed: str, locale: str, names: list[str]) -> None:
    assert [name for name in suggested(kind, typed, locale) if name in names] == names
    assert all(background_of(n, STYLES) or clothes_of(n, LINKEDIN, STYLES) for n in names)


def test_everything_is_offered_where_nothing_is_typed() -> None:
    assert len(suggested("background", "", "en")) == len(BACKGROUNDS) <= 25
    assert len(suggested("garment", "", "en")) == len(GARMENTS) <= 25


def test_a_wish_becomes_words_that_we_wrote() -> None:
    effect = wanted(headshot("park 2 background: office clothes: black turtleneck"))

    assert effect == Generate(
        model_id=ME,
        style="park",
        count=2,
        background="blurred modern office background",
        clothes=("a black turtleneck",),
    )


def test_a_link_from_a_group_holds_the_wish() -> None:
    payload = "headshot-park-background-office"
    (effect,) = respond(Command(name="start", argument=payload), READY).effects

    assert isinstance(effect, Generate)
    assert (effect.style, effect.background) == ("park", "blurred modern office background")


def test_a_wish_without_a_style_takes_the_first() -> None:
    assert wanted(headshot("background: park")).style == next(iter(STYLES))


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_that_are_not_known_are_answered_with_those_that_are(language: str) -> None:
    now = READY.model_copy(update={"platform_locale": language})
    (message,) = headshot("linkedin background: the *moon*", now).messages
    assert message.key == "headshot.unknown_background"
    assert "the *moon*" in message.text
    assert phrase(language, "background.brick_wall") in message.text

    (message,) = headshot("linkedin clothes: a cape", now).messages
    assert message.key == "headshot.unknown_clothes"
    assert phrase(language, "garment.denim_jacket") in message.text
    example = message.text.split("/headshot ")[1]
    assert wanted(headshot(example, now)).clothes == ("a navy turtleneck",)


def test_again_keeps_what_was_chosen() -> None:
    chosen = {"background": "brick wall background", "clothes": ("a red dress",)}
    made = headshot_set().model_copy(update=chosen)
    now = READY.model_copy(update={"headshot_sets": (made,)})

    for verb in (Verb.AGAIN, Verb.MORE_LIKE_ME):
        effect = wanted(respond(Pressed(action=act(verb, SET)), now))
        assert effect.background == "brick wall background"
        assert effect.clothes == ("a red dress",)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("verb", "known"), [(Verb.BACKGROUND, BACKGROUNDS), (Verb.CLOTHES, GARMENTS)]
)
def test_every_choice_is_a_button_that_makes_them_anew(
    language: str, verb: Verb, known: dict[str, object]
) -> None:
    made = headshot_set()
    now = READY.model_copy(update={"headshot_sets": (made,), "platform_locale": language})
    (menu,) = respond(Pressed(action=act(verb, SET)), now).messages
    buttons = [button for row in menu.buttons for button in row]
    assert len(buttons) == len(known)

    effects = [wanted(respond(Pressed(action=button.action), now)) for button in buttons]
    assert len({(effect.background, effect.clothes) for effect in effects}) == len(known)
    assert all((e.style, e.count, e.seed) == (made.style, len(made.shots), None) for e in effects)
    assert all(decode(encode(button.action)) == button.action for button in buttons)


def test_the_other_choice_stays() -> None:
    made = headshot_set().model_copy(update={"clothes": ("a red dress",)})
    now = READY.model_copy(update={"headshot_sets": (made,)})

    effect = wanted(respond(Pressed(action=act(Verb.BACKGROUND, SET, "brick-wall")), now))
    assert (effect.background, effect.clothes) == ("brick wall background", ("a red dress",))


def test_headshots_of_a_prompt_of_ones_own_have_no_such_buttons() -> None:
    def verbs(**changes: str) -> set[Verb]:
        made = headshot_set().model_copy(update=changes)
        ready = HeadshotsReady(order=shooting(), headshots=made)
        rows = announce(ready, READY).messages[-1].buttons
        return {button.action.verb for row in rows for button in row}

    assert verbs() - verbs(prompt="on the moon") == {Verb.BACKGROUND, Verb.CLOTHES}


def test_the_same_style_with_another_background_is_another_order() -> None:
    waiting = shooting().model_copy(
        update={"style": "linkedin", "model_id": ME, "background": LINKEDIN.background,
                "clothes": LINKEDIN.clothes, "strength": 1.0}
    )  # fmt: skip
    now = READY.model_copy(update={"orders": (waiting,)})

    assert headshot("linkedin", now).messages[0].key == "headshot.already"
    assert wanted(headshot("linkedin background: park", now)).background.startswith("in a park")
    assert wanted(headshot("linkedin clothes: hoodie", now)).clothes == ("a grey hoodie",)


@pytest.mark.parametrize(
    ("language", "title"),
    [
        ("en", "2 headshots · LinkedIn (office, black turtleneck) · with “Me”"),
        ("de", "2 Porträts · LinkedIn (Büro, Rollkragenpullover in Schwarz) · mit „Me“"),
    ],
)
def test_what_was_understood_is_repeated(language: str, title: str) -> None:
    now = READY.model_copy(update={"platform_locale": language})
    effect = wanted(headshot("linkedin 2 background: office clothes: black turtleneck", now))
    look = {"background": effect.background, "clothes": effect.clothes}
    order = shooting().model_copy(update={"style": "linkedin", "count": 2, **look})

    (card,) = announce(OrderQueued(order=order), now).messages
    assert card.title == title
    made = headshot_set().model_copy(update={"style": "linkedin", **look})
    ready = HeadshotsReady(order=order, headshots=made)
    results = announce(ready, now).messages[-1]
    assert title.split(" · ")[1] in results.title


def test_the_styles_own_is_not_repeated() -> None:
    own = {"style": "linkedin", "background": LINKEDIN.background, "clothes": LINKEDIN.clothes}

    (card,) = announce(OrderQueued(order=shooting().model_copy(update=own)), READY).messages
    assert "LinkedIn ·" in card.title


def test_prompts_of_ones_own_are_an_admins_choice() -> None:
    (message,) = headshot("linkedin prompt: on the moon").messages
    assert message.key == "headshot.no_free_prompt"
    assert message.buttons

    now = READY.model_copy(update={"free_prompt": True})
    assert wanted(headshot("linkedin prompt: on the moon", now)).prompt == "on the moon"
    assert wanted(headshot("prompt: " + "x" * 900, now)).prompt == "x" * 600
    said = respond(Said(text="headshot prompt: " + "by the sea " * 40), now)
    assert wanted(said).prompt == ("by the sea " * 40).strip()
