"""The commands' names: what menus show, other words people type, and the nearest to a typo."""

from difflib import get_close_matches

COMMANDS = (
    "train",
    "headshot",
    "styles",
    "share",
    "status",
    "models",
    "cancel",
    "privacy",
    "forget",
    "settings",
    "help",
)
"""For everybody, in the order of a menu. The phrase `command.<name>` describes each."""
HIDDEN_COMMANDS = ("start", "admin")
IN_GROUPS = ("headshot", "styles", "share", "help")
"""Those that make sense where others read along."""

LINKED = ("train", "headshot", "styles", "status", "models", "privacy", "settings", "help")
"""Those that a deep link from a group can ask for."""

ALIASES = {
    "headshots": "headshot",
    "shoot": "headshot",
    "generate": "headshot",
    "portrait": "headshot",
    "foto": "headshot",
    "photo": "train",
    "photos": "train",
    "fotos": "train",
    "upload": "train",
    "training": "train",
    "trainieren": "train",
    "style": "styles",
    "stil": "styles",
    "stile": "styles",
    "queue": "status",
    "progress": "status",
    "model": "models",
    "modell": "models",
    "modelle": "models",
    "stop": "cancel",
    "abbrechen": "cancel",
    "abort": "cancel",
    "datenschutz": "privacy",
    "export": "privacy",
    "delete": "forget",
    "erase": "forget",
    "vergiss": "forget",
    "vergessen": "forget",
    "löschen": "forget",
    "language": "settings",
    "sprache": "settings",
    "einstellungen": "settings",
    "hilfe": "help",
    "teilen": "share",
    "hello": "start",
    "hi": "start",
    "hallo": "start",
}


def canonical(name: str) -> str | None:
    """The command meant by `/Train`, `train@some_bot` or `modelle`; None if there is none."""
    word = name.strip().lstrip("/").split("@")[0].casefold()
    word = ALIASES.get(word, word)
    return word if word in COMMANDS or word in HIDDEN_COMMANDS else None


def nearest(name: str) -> str | None:
    """The command that a typo probably meant."""
    word = name.strip().lstrip("/").split("@")[0].casefold()[:32]
    matches = get_close_matches(word, [*COMMANDS, *ALIASES], n=1, cutoff=0.6)
    return canonical(matches[0]) if matches else None
