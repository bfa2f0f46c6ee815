"""`headshot-bot`: what each command is called, takes and is for. The work is in `bot.commands`.

Nothing heavy is imported until a command runs, so that `--help` answers at once.
"""

import asyncio
import sys
from collections.abc import Coroutine
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

if TYPE_CHECKING:
    from bot.settings import Settings

FAILED = 2
"""Exit code when a command could not do its work; 1 is a clear "no" of `check` and `doctor`."""

cli = typer.Typer(
    name="headshot-bot",
    help="Learns a face from selfies on your own machine and draws professional headshots of it.",
    epilog="Start here: headshot-bot demo (no GPU needed), or headshot-bot chat.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

SEVERAL = "Serving people"
ALONE = "Working on folders"
LOOKING = "Looking around"

styles_cli = typer.Typer(rich_markup_mode="rich")
cli.add_typer(styles_cli, name="styles", rich_help_panel=LOOKING)

PhotosDir = Annotated[
    Path,
    typer.Argument(
        metavar="DIR", exists=True, file_okay=False, help="Folder with photos of one person."
    ),
]
Person = Annotated[
    str | None,
    typer.Option(
        "--person",
        metavar="PLATFORM:ID",
        help="Whose model, such as discord:1234; without it: yours.",
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", metavar="", help="Print one JSON object, for scripts.")
]


@dataclass(frozen=True)
class Flags:
    """What was said before the command."""

    data: Path | None
    config: Path | None


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(version("headshot-bot"))
        except PackageNotFoundError:
            typer.echo("not installed")
        raise typer.Exit


@cli.callback()
def before(
    context: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option("--data", metavar="DIR", help="Where everything is kept; doctor shows it."),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="Settings, instead of DIR/config.toml."),
    ] = None,
    version: Annotated[
        bool,
        typer.Option(
            "--version", metavar="", callback=_version, is_eager=True, help="Show the version."
        ),
    ] = False,
) -> None:
    context.obj = Flags(data, config)


@cli.command(rich_help_panel=ALONE)
def check(context: typer.Context, folder: PhotosDir, as_json: AsJson = False) -> None:
    """Judge photos: which are good, why others are not, what is missing.

    Exit code: 0 when enough photos are good to train with, 1 when not, 2 when the check failed.
    """
    from bot.commands.check import check as work

    _finish(work(_settings(context), folder, as_json))


@cli.command(rich_help_panel=ALONE)
def train(
    context: typer.Context,
    folder: PhotosDir,
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="What to call the model of this person.")
    ],
    quality: Annotated[
        str,
        typer.Option(
            metavar="fast|standard|best|origin", help="How long it may take, how good it gets."
        ),
    ] = "standard",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Copy lora.safetensors there as well.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train a LoRA from a folder of photos. Ctrl-C cancels."""
    from bot.commands.train import train as work

    settings = _settings(context)
    _finish(work(settings, _flags(context), folder, name, quality, out, as_json))


@cli.command(rich_help_panel=ALONE)
def generate(
    context: typer.Context,
    lora: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="A trained model's name, or a .safetensors.")
    ],
    style: Annotated[
        str, typer.Option(metavar="STYLE", help="One of `headshot-bot styles`.")
    ] = "linkedin",
    count: Annotated[int, typer.Option(min=1, max=16, metavar="N", help="How many pictures.")] = 4,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to put them.")] = Path(
        "headshots"
    ),
    prompt: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="Your own words instead of the style's; {subject} is you."
        ),
    ] = None,
    background: Annotated[
        str, typer.Option(metavar="TEXT", help="Instead of the style's, such as office or park.")
    ] = "",
    clothes: Annotated[
        str, typer.Option(metavar="TEXT", help="Instead of the style's, such as navy suit.")
    ] = "",
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="The same seed gives the same pictures.")
    ] = None,
    cuts: Annotated[
        bool,
        typer.Option(
            "--cuts", metavar="", help="Also for round frames, in another shape, and on one sheet."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Draw headshots with a trained LoRA. Ctrl-C cancels."""
    from bot.commands.generate import Look
    from bot.commands.generate import generate as work

    look = Look(style, prompt, background, clothes)
    _finish(work(_settings(context), lora, look, count, out, seed, cuts, as_json))


@cli.command(rich_help_panel=ALONE)
def export(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A trained model's name.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the .safetensors.")],
    wanted: Annotated[
        str,
        typer.Option("--format", metavar="diffusers|comfyui", help="Whose names the layers have."),
    ] = "diffusers",
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Write a model's LoRA to a file that other programs open."""
    from bot.commands.export import export as work

    _finish(work(_settings(context), name, wanted, out, person, as_json))


@cli.command("import", rich_help_panel=ALONE)
def import_(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A LoRA for FLUX.1."),
    ],
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What to call the model.")],
    trigger: Annotated[
        str | None, typer.Option(metavar="WORD", help="The word that means the person.")
    ] = None,
    class_word: Annotated[
        str | None, typer.Option(metavar="WORD", help="What the person is: person, man, woman.")
    ] = None,
    person: Person = None,
    as_json: AsJson = False,
) -> None:
    """Take in a LoRA of ai-toolkit, kohya's scripts or diffusers, to draw with it."""
    from bot.commands.import_lora import import_lora as work

    settings = _settings(context)
    _finish(work(settings, file, name, trigger, class_word, person, as_json, flags=_flags(context)))


@styles_cli.callback(invoke_without_command=True)
def styles(context: typer.Context, as_json: AsJson = False) -> None:
    """List the styles of headshots; [bold]preview[/bold] draws examples of them."""
    if context.invoked_subcommand is None:
        from bot.commands.styles import show_styles

        show_styles(_settings(context, "no"), as_json)


@styles_cli.command("preview")
def styles_preview(
    context: typer.Context,
    styles: Annotated[
        str, typer.Option(metavar="NAME,NAME", help="Only these; otherwise all.")
    ] = "",
    count: Annotated[
        int, typer.Option(min=1, max=8, metavar="N", help="Pictures of each style.")
    ] = 1,
    lora: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="One of your models: menus show its face."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Instead of styles/ in the data folder.")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, metavar="N", help="Another seed, other pictures.")
    ] = 0,
    again: Annotated[
        bool, typer.Option("--again", metavar="", help="Draw also what is there already.")
    ] = False,
    private: Annotated[
        bool,
        typer.Option("--private", metavar="", help="Keep the pictures out of the chats' menus."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Draw a gallery of the styles: a page, a contact sheet, and examples for the chats' menus.

    Ctrl-C stops it; the same command goes on where it stopped.
    """
    from bot.commands.preview import Wish
    from bot.commands.preview import preview as work

    names = tuple(styles.replace(",", " ").split())
    wish = Wish(names, count, lora, seed, again, publish=not private)
    _finish(work(_settings(context), wish, out, as_json))


@cli.command(rich_help_panel=LOOKING)
def verify(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A picture, best as it was sent.")],
    as_json: AsJson = False,
) -> None:
    """Say where a picture comes from: made here, by AI elsewhere, changed since.

    Exit code: 0 made here, 1 nothing found, 2 cannot be read, 3 made by another Headshot Bot,
    4 made by AI elsewhere (or says so, unsigned), 5 changed since.
    """
    from bot.commands.verify import verify as work

    _finish(work(_settings(context, "no"), file, as_json))


@cli.command(rich_help_panel=LOOKING)
def doctor(context: typer.Context, as_json: AsJson = False) -> None:
    """Say what is missing on this machine and how to mend it.

    Exit code: 0 when everything needed is there, 1 when not.
    """
    from bot.commands.doctor import doctor as work

    _finish(work(_settings(context, "no"), as_json))


@cli.command(rich_help_panel=SEVERAL)
def chat(context: typer.Context) -> None:
    """Talk to the bot in this terminal: /train, /headshot linkedin, /help.

    Lines may also come through a pipe, one a message; photos are sent by their paths.
    """
    from bot.commands.chat import chat as work

    _finish(work(_settings(context)))


@cli.command(rich_help_panel=LOOKING)
def demo(
    context: typer.Context,
    photos: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", exists=True, file_okay=False, help="Your photos instead of the samples."
        ),
    ] = None,
    style: Annotated[
        str, typer.Option(metavar="STYLE", help="One of `headshot-bot styles`.")
    ] = "linkedin",
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where results go.")] = Path(
        "demo-output"
    ),
) -> None:
    """Play the whole job: selfies in, training, headshots out. No GPU, token or Redis needed."""
    from bot.commands.demo import demo as work

    _finish(work(_config_of(context), photos, style, out))


@cli.command(rich_help_panel=SEVERAL)
def run(context: typer.Context) -> None:
    """Run everything a server needs, supervised: queue, bot, engine. Ctrl-C stops it."""
    from bot.commands.run import run as work

    _finish(_until_stopped(work(_settings(context, "to stderr"), _flags(context))))


@cli.command(rich_help_panel=SEVERAL)
def bot(context: typer.Context) -> None:
    """Run only the bot: chats and database. It needs an engine somewhere on the same queue."""
    from bot.commands.run import bot as work

    _finish(_until_stopped(work(_settings(context, "to stderr"))))


@cli.command(rich_help_panel=SEVERAL)
def engine(context: typer.Context) -> None:
    """Run only an engine: photo checks, training, drawing. On as many machines as you have."""
    from bot.commands.run import engine as work

    _finish(_until_stopped(work(_settings(context, "to stderr"))))


def _config_of(context: typer.Context) -> Path | None:
    return cast(Flags, context.obj).config


def _flags(context: typer.Context) -> list[str]:
    """Those before the command, for another command line."""
    flags = cast(Flags, context.obj)
    given = {"--data": flags.data, "--config": flags.config}
    return [part for name, value in given.items() if value for part in (name, str(value))]


def _settings(
    context: typer.Context, logs: Literal["to a file", "to stderr", "no"] = "to a file"
) -> "Settings":
    from bot.logs import configure
    from bot.settings import SettingsError, load

    flags = cast(Flags, context.obj)
    settings = load({"data_dir": flags.data} if flags.data else {}, flags.config)
    output = settings.log_dir / "bot.log" if logs == "to a file" else None
    try:
        configure("error" if logs == "no" else settings.log_level, output)
    except OSError as error:
        raise SettingsError(
            f"the data folder {settings.data_dir} cannot be used: {error.strerror}; "
            "choose another with --data DIR or HEADSHOT_DATA_DIR"
        ) from error
    return settings


def _finish(work: Coroutine[Any, Any, int]) -> None:
    """Runs it to its end; Ctrl-C and SIGTERM cancel it, which tidies up."""
    raise typer.Exit(asyncio.run(_stoppable(work)))


async def _until_stopped(work: Coroutine[Any, Any, int]) -> int:
    """To be stopped is how a server ends well."""
    try:
        return await work
    except asyncio.CancelledError:
        return 0


async def _stoppable(work: Coroutine[Any, Any, int]) -> int:
    import signal

    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    stopped: list[int] = []

    def stop(number: int) -> None:
        stopped.append(number)
        task.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    try:
        return await task
    except asyncio.CancelledError:
        return 128 + stopped[0] if stopped else FAILED


def main() -> None:
    """The program. Faults that a person can mend are one sentence, not a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # not every terminal knows every letter
    try:
        cli(prog_name="headshot-bot")
    except Exception as error:
        message = _mendable(error)
        if message is None:
            raise
        print(f"headshot-bot: {message}", file=sys.stderr)
        sys.exit(FAILED)


def _mendable(error: Exception) -> str | None:
    from bot.commands.faults import sentence

    return sentence(error)


if __name__ == "__main__":
    main()
