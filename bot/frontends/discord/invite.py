"""The links that add the bot to a server or to a person. Read from the token, without a network."""

import base64
import binascii

AUTHORIZE = "https://discord.com/oauth2/authorize"


def application_id(token: str) -> int | None:
    """A token begins with its application's id; None where it does not."""
    head = token.strip().split(".")[0]
    try:
        text = base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    return int(text) if text.isdecimal() else None


def links(token: str) -> dict[str, str]:
    """By what they add it to: `server` and `person`. The bot needs no permission anywhere."""
    found = application_id(token)
    if found is None:
        return {}
    start = f"{AUTHORIZE}?client_id={found}"
    return {
        "server": f"{start}&scope=bot+applications.commands&permissions=0&integration_type=0",
        "person": f"{start}&scope=applications.commands&integration_type=1",
    }
