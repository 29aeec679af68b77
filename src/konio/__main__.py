"""``python -m konio`` is the command ``konio``."""

from __future__ import annotations

import sys

from konio.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
