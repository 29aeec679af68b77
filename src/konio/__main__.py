"""``python -m konio`` is ``konio``."""

from konio.cli import main

main()
