"""`headshot-bot styles`: the catalogue."""

import json
import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.settings import STYLES, Settings
from engine.contract.styles import load


def show_styles(settings: Settings, as_json: bool) -> None:
    found = load(settings.styles)
    if as_json:
        rows = [style.model_dump(mode="json") for style in found.values()]
        sys.stdout.write(json.dumps({"styles": rows}, indent=2) + "\n")
        return
    console = Console()
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("style", style="bold", no_wrap=True)
    table.add_column("looks like")
    category = ""
    for style in found.values():
        if style.category != category:
            category = style.category
            table.add_row(Text(category, style="dim italic"), "")
        table.add_row(f"  {style.name}", Text(style.description))
    console.print(table)
    own = settings.styles or settings.data_dir / STYLES
    console.print("\nheadshot-bot generate --lora NAME --style STYLE --out DIR", style="dim")
    console.print("headshot-bot styles preview   draws examples of them", style="dim")
    console.print(f"Styles of your own: {own}", style="dim", soft_wrap=True, highlight=False)
