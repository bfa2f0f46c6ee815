"""`python -m bot` is `headshot-bot`, also where no script was installed."""

from bot.cli import main

if __name__ == "__main__":
    main()
