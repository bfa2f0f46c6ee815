"""The catalogue of styles as a person meets it: categories, pages, examples, and typos."""

from difflib import get_close_matches
from hashlib import blake2b

from bot.conversation.actions import Verb, act, find, short
from bot.conversation.messages import MENU, Button, Message, Picture
from bot.conversation.phrases import FALLBACK, LANGUAGES
from bot.conversation.speaking import Rows, Turn, grid, labelled
from engine.contract.styles import Style

STYLES_A_PAGE = 15
MAX_CATEGORIES = 20
MAX_EXAMPLES = 10
NUM_FIRST_STYLES = 6
NUM_SUGGESTIONS = 3


def overview(turn: Turn, key: str = "styles.overview", model_id: str = "") -> Message:
    """All categories with the styles in them; a button opens one."""
    categories = _categories(turn)
    lines = [
        f"• {heading(turn, name)}: {', '.join(_title(turn, style) for style in styles)}"
        for name, styles in categories.items()
    ]
    model = find(turn.situation.models, short(model_id)) or turn.situation.chosen_model
    buttons = [
        labelled(heading(turn, name), act(Verb.STYLES, model_id, category_code(name)))
        for name in categories
    ]
    return turn.compose(
        key,
        [turn.say(key, name=model.name if model else ""), "\n".join(lines)],
        title=turn.say("styles.title", n=len(turn.situation.styles)),
        buttons=grid(buttons[:MAX_CATEGORIES], width=3),
        pictures=_examples(turn, [styles[0] for styles in categories.values()]),
        card=MENU,
    )


def category_page(turn: Turn, argument: str, model_id: str = "") -> Message:
    """One category; the argument is its code and, from the second page on, `.page`."""
    code, _, page = argument.partition(".")
    found = {category_code(name): name for name in _categories(turn)}
    if code not in found:
        return overview(turn, model_id=model_id)
    styles = _categories(turn)[found[code]]
    num_pages = -(-len(styles) // STYLES_A_PAGE)
    number = int(page) % num_pages if page.isdecimal() and len(page) < 6 else 0
    shown = styles[number * STYLES_A_PAGE : (number + 1) * STYLES_A_PAGE]
    turning = [turn.button("button.all_styles", Verb.STYLES, model_id)]
    if num_pages > 1:
        following = f"{code}.{(number + 1) % num_pages}"
        turning.append(turn.button("button.more", Verb.STYLES, model_id, following))
    return turn.compose(
        "styles.category",
        [
            "\n".join(_line(turn, style) for style in shown),
            turn.say("styles.category", style=shown[0].name),
        ],
        title=heading(turn, found[code]),
        buttons=(*grid(_style_buttons(turn, shown, model_id), width=4), tuple(turning)),
        pictures=_examples(turn, shown),
        card=MENU,
    )


def not_found(turn: Turn, wanted: str) -> Message:
    """No style has that name: the nearest ones, or all."""
    near = nearest(turn, wanted)
    if not near:
        return overview(turn, "styles.unknown")
    titles = turn.say("list.or").join(_title(turn, style) for style in near)
    everything = turn.button("button.all_styles", Verb.STYLES)
    return turn.tell(
        "styles.did_you_mean",
        {"wanted": wanted, "titles": titles},
        buttons=(*grid(_style_buttons(turn, near, "")), (everything,)),
    )


def find_style(turn: Turn, wanted: str) -> Style | None:
    """The style of that name or title, however it is written, or of that unique beginning."""
    word = _plain(wanted)
    if not word:
        return None
    by_word = _by_word(turn)
    if word in by_word:
        return by_word[word]
    begun = {style.name: style for known, style in by_word.items() if known.startswith(word)}
    return next(iter(begun.values())) if len(begun) == 1 else None


def first_style(turn: Turn) -> Style | None:
    """Where a wish names none."""
    return next(iter(turn.situation.styles.values()), None)


def nearest(turn: Turn, wanted: str) -> list[Style]:
    by_word = _by_word(turn)
    words = get_close_matches(_plain(wanted)[:64], by_word, n=2 * NUM_SUGGESTIONS, cutoff=0.5)
    names = dict.fromkeys(by_word[word].name for word in words)
    return [turn.situation.styles[name] for name in list(names)[:NUM_SUGGESTIONS]]


def first_styles(turn: Turn, model_id: str) -> Rows:
    """Buttons for somebody whose model is new: the first style of each category, then others."""
    categories = _categories(turn).values()
    firsts = [styles[0] for styles in categories]
    others = [style for styles in categories for style in styles[1:]]
    return grid(_style_buttons(turn, [*firsts, *others][:NUM_FIRST_STYLES], model_id), width=3)


def heading(turn: Turn, category: str) -> str:
    """In the person's language where we know the category; an admin's own stays as it is."""
    key = f"category.{category.replace(' ', '_')}"
    return turn.say(key) if key in LANGUAGES[FALLBACK] else category[:1].upper() + category[1:]


def category_code(category: str) -> str:
    """Eight letters that stand for a category in a button, whatever its name holds."""
    return blake2b(category.encode(), digest_size=4).hexdigest()


def _categories(turn: Turn) -> dict[str, list[Style]]:
    categories: dict[str, list[Style]] = {}
    for style in turn.situation.styles.values():
        categories.setdefault(style.category, []).append(style)
    return categories


def _title(turn: Turn, style: Style) -> str:
    return style.words(turn.language).title


def _line(turn: Turn, style: Style) -> str:
    words = style.words(turn.language)
    return f"• {words.title}: {words.description}"


def _style_buttons(turn: Turn, styles: list[Style], model_id: str) -> list[Button]:
    return [
        labelled(_title(turn, style), act(Verb.HEADSHOT, model_id, style.name)) for style in styles
    ]


def _examples(turn: Turn, styles: list[Style]) -> tuple[Picture, ...]:
    examples = turn.situation.examples
    return tuple(
        Picture(key=examples[style.name], filename=f"{style.name}.jpg", caption=_title(turn, style))
        for style in styles
        if style.name in examples
    )[:MAX_EXAMPLES]


def _by_word(turn: Turn) -> dict[str, Style]:
    """Names before titles, and the person's own language before others."""
    styles = turn.situation.styles
    others = {_plain(w.title): s for s in styles.values() for w in s.translations.values()}
    english = {_plain(style.title): style for style in styles.values()}
    own = {_plain(_title(turn, style)): style for style in styles.values()}
    return others | english | own | {_plain(name): style for name, style in styles.items()}


def _plain(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
