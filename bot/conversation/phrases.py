"""Finds the words for a key in a person's language. English stands in where a language lacks one.

A new language is one more file in `languages` and one more line in `LANGUAGES`; the tests then
ask it for every key and every placeholder.
"""

from bot.conversation.languages import de, en
from bot.conversation.languages.catalogue import Catalogue, Plural

LANGUAGES: dict[str, Catalogue] = {"en": en.PHRASES, "de": de.PHRASES}
"""Catalogues by the language code that platforms send."""
NAMES = {"en": "English", "de": "Deutsch"}
FALLBACK = "en"


def language_of(locale: str) -> str:
    """The language to speak to somebody with a locale such as `de`, `de-AT` or `pt_BR`."""
    code = locale.replace("_", "-").split("-")[0].casefold()
    return code if code in LANGUAGES else FALLBACK


def phrase(language: str, key: str, /, **facts: object) -> str:
    """The words for a key; `n` among the facts chooses between one and many.

    Raises:
        KeyError: for a key that no language has, or a fact that the template needs and lacks.
    """
    template = LANGUAGES[language_of(language)].get(key) or LANGUAGES[FALLBACK][key]
    if isinstance(template, Plural):
        template = template.one if facts["n"] == 1 else template.other
    return template.format(**facts)
