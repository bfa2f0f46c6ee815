"""Discord's JSON as its API gives it: people, channels, a server, messages and what they show."""

import itertools
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
APPLICATION = 1000
GUILD, GENERAL, ADMINS = 6, 7, 900
"""A server, its channel, and one of its roles."""
EPHEMERAL, LOADING, COMPONENTS_V2 = 64, 128, 32768
BOT: Json = {
    "id": str(APPLICATION),
    "username": "bot",
    "discriminator": "0",
    "avatar": None,
    "bot": True,
}


@dataclass
class Said:
    """A message as it stands. `files` are bytes by name; `to` is who alone sees it."""

    id: int
    channel: int
    payload: Json
    files: dict[str, bytes]
    to: int | None = None
    num_edits: int = 0

    @property
    def text(self) -> str:
        return "\n".join(filter(None, [self.payload.get("content") or "", *_texts(self.payload)]))

    @property
    def buttons(self) -> dict[str, str]:
        """Custom ids by label."""
        return {
            part["label"]: part["custom_id"] for part in _parts(self.payload) if "label" in part
        }


def _parts(payload: Json) -> list[Json]:
    own: list[Json] = []
    for part in payload.get("components") or []:
        own += [part, *_parts(part)]
    return own


def _texts(payload: Json) -> list[str]:
    return [part["content"] for part in _parts(payload) if "content" in part]


def numbered(components: list[Json], ids: "itertools.count[int]") -> list[Json]:
    """Discord gives each component a number and each picture its particulars."""
    found: list[Json] = []
    for component in components:
        shown = {**component, "id": next(ids)}
        if "components" in component:
            shown["components"] = numbered(component["components"], ids)
        if "file" in component:
            shown |= {"name": "file", "size": 1}
        found.append(shown)
    return found


def a_person(user: int) -> Json:
    return {"id": str(user), "username": f"user{user}", "discriminator": "0", "avatar": None}


def a_channel(channel: int, user: int) -> Json:
    return {"id": str(channel), "type": 1, "last_message_id": None, "recipients": [a_person(user)]}


def a_member(user: int, roles: list[int]) -> Json:
    joined = "2026-01-01T00:00:00+00:00"
    about = {"joined_at": joined, "permissions": "0", "deaf": False, "mute": False, "flags": 0}
    return {"user": a_person(user), "roles": [str(role) for role in roles], **about}


def a_guild() -> Json:
    role = {"permissions": "0", "color": 0, "hoist": False, "managed": False, "mentionable": False}
    roles = [
        {**role, "id": str(number), "name": str(number), "position": position}
        for position, number in enumerate((GUILD, ADMINS))
    ]
    return {
        "id": str(GUILD),
        "name": "server",
        "owner_id": "1",
        "features": [],
        "roles": roles,
        "channels": [GENERAL_CHANNEL],
        "members": [],
        "member_count": 3,
    }


GENERAL_CHANNEL: Json = {"id": str(GENERAL), "type": 0, "name": "general", "position": 0}
