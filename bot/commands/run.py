"""`headshot-bot run`, `bot` and `engine`: the parts of a server, together or one by one."""

import sys
from contextlib import AsyncExitStack

from bot import app
from bot.commands.faults import CommandError
from bot.frontends.discord.invite import links
from bot.processes.engine import engine_part, torch_is_installed
from bot.processes.supervisor import Part, Patience, Supervisor
from bot.processes.valkey import embedded
from bot.settings import PREFIX, Settings
from engine.contract import styles

NO_CHAT = (
    "No chat is set up: talk to the bot here with `headshot-bot chat`, "
    "or set HEADSHOT_DISCORD__TOKEN or HEADSHOT_TELEGRAM__TOKEN."
)
NO_TORCH = "the engine needs torch: pip install 'headshot-bot[engine]'"


async def run(settings: Settings, flags: list[str]) -> int:
    """Runs all parts until stopped. `flags` are handed on to the bot's command line."""
    if settings.discord.token is None and settings.telegram.token is None:
        print(NO_CHAT, file=sys.stderr)
    if settings.discord.token is not None:
        for place, link in links(settings.discord.token.get_secret_value()).items():
            print(f"Add the Discord bot to a {place}: {link}", file=sys.stderr)
    _refuse_without_torch(settings)
    styles.load(settings.styles)  # a mistake in them is told once, and not by each new try
    async with AsyncExitStack() as stack:
        url = await _queue(stack, settings)
        bot_part = Part(
            name="bot",
            command=(sys.executable, "-m", "bot", *flags, "bot"),
            environment={f"{PREFIX}REDIS_URL": url},
        )
        parts = [engine_part(settings.engine_settings(url), None), bot_part]
        await Supervisor(parts, Patience()).run()
    return 0


async def bot(settings: Settings) -> int:
    """Runs the bot until stopped."""
    async with AsyncExitStack() as stack:
        await app.run(settings, await _queue(stack, settings))
    return 0


async def engine(settings: Settings) -> int:
    """Runs one engine until stopped."""
    _refuse_without_torch(settings)
    async with AsyncExitStack() as stack:
        url = await _queue(stack, settings)
        part = engine_part(settings.engine_settings(url), None)
        await Supervisor([part], Patience()).run()
    return 0


def _refuse_without_torch(settings: Settings) -> None:
    """Photos alone can be checked without it."""
    if set(settings.engine.roles) != {"photos"} and not torch_is_installed():
        raise CommandError(NO_TORCH)


async def _queue(stack: AsyncExitStack, settings: Settings) -> str:
    if settings.redis_url is not None:
        return settings.redis_url
    return await stack.enter_async_context(embedded(settings.data_dir, settings.log_dir))
