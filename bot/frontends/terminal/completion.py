"""What Tab offers: commands, styles after /headshot, paths everywhere else."""

from collections.abc import Sequence

from bot.frontends.terminal import paths


class Completion:
    def __init__(self, commands: Sequence[str], styles: Sequence[str]) -> None:
        self._commands = commands
        self._styles = styles

    def __call__(self, before: str) -> Sequence[str]:
        """Whole replacements of the text before the cursor."""
        word = _last_word(before)
        start = before[: len(before) - len(word)]
        if not start and word.startswith("/") and "/" not in word[1:]:
            found = [f"/{name} " for name in self._commands if f"/{name}".startswith(word)]
            return found or paths.complete(word)
        if start.strip() == "/headshot":
            return [f"{start}{style} " for style in self._styles if style.startswith(word)]
        return [start + path for path in paths.complete(word)] if word else ()


def _last_word(text: str) -> str:
    """An escaped space does not end a word."""
    place = len(text)
    while place > 0 and (text[place - 1] != " " or text[place - 2 : place - 1] == "\\"):
        place -= 1
    return text[place:]
