"""Names and descriptions of commands in every language of the catalogue.

Discord asks for each of its locales; what the catalogue does not speak falls back to English.
"""

import discord
from discord import app_commands
from discord.app_commands import locale_str

from bot.conversation.phrases import FALLBACK, LANGUAGES, phrase


def say(key: str, **facts: object) -> locale_str:
    """English for Discord, and the key for the translator."""
    return locale_str(phrase(FALLBACK, key, **facts), key=key, facts=facts)


class Translator(app_commands.Translator):
    async def translate(
        self,
        string: locale_str,
        locale: discord.Locale,
        context: app_commands.TranslationContextTypes,
    ) -> str | None:
        language = locale.value.split("-")[0]
        key = string.extras.get("key")
        if key is None or language == FALLBACK or language not in LANGUAGES:
            return None
        return phrase(language, key, **string.extras["facts"])
