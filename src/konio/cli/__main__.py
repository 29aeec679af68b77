"""``python -m konio.cli`` is ``konio``."""

from konio.cli import main

main()
