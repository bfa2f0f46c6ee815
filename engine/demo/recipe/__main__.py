"""`python -m engine.demo.recipe --out FOLDER`: train the demo model from nothing on one GPU.

Imports nothing at the top: processes that describe people import this module again.
"""

import sys

if __name__ == "__main__":
    from engine.demo.recipe.command import main

    main(sys.argv[1:])
