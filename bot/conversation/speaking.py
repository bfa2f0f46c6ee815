"""The voice of one turn: phrases in the person's language, made into messages within limits."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self, TypedDict, Unpack

from bot.conversation.actions import Action, Verb, act
from bot.conversation.effects import Effect
from bot.conversation.messages import (
    MAX_BUTTONS,
    MAX_BUTTONS_IN_ROW,
    MAX_LABEL,
    MAX_TEXT,
    Button,
    Message,
    PhotoLine,
    Picture,
)
from bot.conversation.phrases import language_of, phrase
from bot.conversation.reply import Reply
from bot.conversation.session import Session, State
from bot.conversation.situation import Situation

Rows = tuple[tuple[Button, ...], ...]
MAX_TITLE = 120
SHOWN_LETTERS = 40
"""So much of what a person typed is repeated to them."""


class Parts(TypedDict, total=False):
    """What a message may have besides its words."""

    title: str
    buttons: Rows
    pictures: tuple[Picture, ...]
    card: str | None
    photos: tuple[PhotoLine, ...]
    progress: float | None
    private: bool
    reply_to: int | None
    fleeting: bool
    final: bool


@dataclass(frozen=True)
class Turn:
    """One situation, and the voice to answer it with."""

    situation: Situation
    session: Session
    language: str

    @classmethod
    def of(cls, situation: Situation) -> Self:
        locale = situation.session.locale or situation.platform_locale
        return cls(situation, situation.session, language_of(locale))

    def settled(self) -> Self:
        """The same turn with open questions (rename, forget) left unanswered."""
        return self.asking(state=State.IDLE, model_id="")

    def asking(self, **changes: object) -> Self:
        """The same turn with another session."""
        return replace(self, session=self.session.model_copy(update=changes))

    def say(self, key: str, /, **facts: object) -> str:
        return phrase(self.language, key, **facts)

    def tell(
        self, key: str, /, facts: Mapping[str, object] | None = None, **parts: Unpack[Parts]
    ) -> Message:
        """A message whose text is one phrase."""
        return self.compose(key, [self.say(key, **(facts or {}))], **parts)

    def compose(self, key: str, paragraphs: Iterable[str], **parts: Unpack[Parts]) -> Message:
        """A message of several paragraphs; `key` names it."""
        parts["title"] = clip(parts.get("title", ""), MAX_TITLE)
        text = "\n\n".join(paragraph for paragraph in paragraphs if paragraph)
        return Message(key=key, text=clip(text, MAX_TEXT - len(parts["title"])), **parts)

    def button(
        self, key: str, verb: Verb, row_id: str = "", argument: str = "", /, **facts: object
    ) -> Button:
        return Button(
            label=clip(self.say(key, **facts), MAX_LABEL), action=act(verb, row_id, argument)
        )

    def command_button(self, name: str) -> Button:
        """A button that does what a command does."""
        return self.button(f"button.{name}", Verb.COMMAND, "", name)

    def reply(self, *messages: Message, effects: Sequence[Effect] = ()) -> Reply:
        return Reply(session=self.session, messages=messages, effects=tuple(effects))


def labelled(label: str, action: Action) -> Button:
    """A button named by data, such as a style's title or a model's name."""
    return Button(label=clip(label, MAX_LABEL).strip() or "…", action=action)


def primary(button: Button) -> Button:
    return button.model_copy(update={"look": "primary"})


def danger(button: Button) -> Button:
    return button.model_copy(update={"look": "danger"})


def grid(buttons: Sequence[Button], width: int = MAX_BUTTONS_IN_ROW) -> Rows:
    """Rows of at most `width` buttons, at most MAX_BUTTONS in all."""
    kept = buttons[:MAX_BUTTONS]
    return tuple(tuple(kept[i : i + width]) for i in range(0, len(kept), width))


def clip(text: str, limit: int) -> str:
    """At most `limit` characters, all of which can be sent: half a surrogate pair cannot."""
    text = text.encode(errors="replace").decode()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def clean(text: str, limit: int = SHOWN_LETTERS) -> str:
    """What a person typed, on one line, without characters that control the display.

    Joiners stay, for emoji and for scripts that need them; directions and escapes go.
    """
    kept = (c if _harmless(c) else " " for c in text[: limit * 20])
    return clip(" ".join("".join(kept).split()), limit)


def _harmless(character: str) -> bool:
    return character in "\u200c\u200d" or unicodedata.category(character)[0] != "C"
