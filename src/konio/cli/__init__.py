"""The command ``konio``: parse, call, print. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

from konio.cli.app import main

__all__ = ["main"]
