"""Figures as values: drawn in either language, written as SVG and PNG, put into a page as they are.

`Figure.draw` is given a language and returns a Matplotlib figure; nothing here touches pyplot or global settings. What
several studies draw stands in `konio.studies.drawings`.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from konio.report.files import make_folder, write_bytes
from konio.studies.tables import Text, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

Language = Literal["en", "zh"]

#: Colours that stay apart in print and for colour-blind readers (Okabe and Ito), in the order of use.
COLOURS: Final = ("#0d5f63", "#d98324", "#5b6abf", "#b4461f", "#3f9142", "#8a5a9e", "#55636a")
#: The colour of numbers that a paper printed.
PAPER: Final = "#8b979c"
INK: Final = "#1c2428"
LINE: Final = "#d9dfe1"

#: Dots per inch of PNG files.
_DPI: Final = 200
#: Fonts with Chinese signs, the first that is found is taken.
_CHINESE: Final = (
    "NotoSansCJK-Regular", "NotoSansSC-Regular", "SourceHanSansCN-Regular", "SourceHanSansSC-Regular", "msyh", "simhei",
    "PingFang", "wqy-microhei", "wqy-zenhei", "DroidSansFallbackFull",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """A figure.

    Args:
        name: stem of its files, such as ``figure-2``.
        title: one line.
        draw: language to a Matplotlib figure (`canvas` makes one).
        caption: sentences under it.
    """

    name: str
    title: Text
    draw: Callable[[Language], Drawing]
    caption: Text = ""

    def svg(self, language: Language = "en") -> str:
        """The figure as SVG; letters are outlines, so that it looks the same everywhere."""
        return _saved(self, language, "svg").decode()

    def png(self, language: Language = "en") -> bytes:
        """The figure as PNG, 200 dots per inch."""
        return _saved(self, language, "png")

    def write(self, out: Path) -> tuple[Path, ...]:
        """Write ``name.svg`` and ``name.png`` in English, and ``name.zh.svg`` where a Chinese font is at hand.

        Args:
            out: folder; made if it is not there.

        Raises:
            OutputError: if they cannot be written.
        """
        make_folder(out)
        written = [
            write_bytes(out / f"{self.name}.svg", self.svg().encode()),
            write_bytes(out / f"{self.name}.png", self.png()),
        ]
        if chinese_font():
            written.append(write_bytes(out / f"{self.name}.zh.svg", self.svg("zh").encode()))
        return tuple(written)


@lru_cache(maxsize=32)
def _saved(figure: Figure, language: Language, kind: Literal["svg", "png"]) -> bytes:
    """Drawn once for the file and the page; figures are values and do not change."""
    from matplotlib import rc_context

    content = io.BytesIO()
    with rc_context(_settings(language)):
        drawing = figure.draw(language)
        plain: dict[str, Any] = {"metadata": {"Date": None}} if kind == "svg" else {"dpi": _DPI}
        drawing.savefig(content, format=kind, **plain)
    return content.getvalue()


@cache
def chinese_font() -> str:
    """Name of a font with Chinese signs, ``""`` if this machine has none."""
    from matplotlib import font_manager

    files = {Path(path).stem: path for path in font_manager.findSystemFonts()}
    for stem in _CHINESE:
        if stem in files:
            font_manager.fontManager.addfont(files[stem])
            return str(font_manager.FontProperties(fname=files[stem]).get_name())
    return ""


def _settings(language: Language) -> Any:
    fonts = ["DejaVu Sans"]
    if language == "zh" and chinese_font():
        fonts = [chinese_font(), *fonts]
    return {
        "font.family": fonts,
        "font.size": 9.0,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": 10.0,
        "axes.titleweight": "normal" if language == "zh" else "bold",
        "axes.titlelocation": "left",
        "axes.unicode_minus": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": LINE,
        "grid.linewidth": 0.6,
        "legend.frameon": False,
        "legend.fontsize": 8.0,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "svg.fonttype": "path",
        "svg.hashsalt": "konio",
        "figure.constrained_layout.use": True,
    }


def canvas(
    width: float, height: float, rows: int = 1, columns: int = 1
) -> tuple[Drawing, NDArray[np.object_]]:
    """An empty figure with axes.

    Args:
        width: inches.
        height: inches.
        rows: of axes.
        columns: of axes.

    Returns:
        The figure and its axes ``(rows, columns)``.
    """
    from matplotlib.figure import Figure as MatplotlibFigure

    drawing = MatplotlibFigure(figsize=(width, height), layout="constrained")
    return drawing, np.asarray(drawing.subplots(rows, columns, squeeze=False))


def label(axes: Axes, x: Text, y: Text, language: Language, title: Text = "") -> None:
    """Words on both axes and above."""
    axes.set_xlabel(say(x, language))
    axes.set_ylabel(say(y, language))
    if say(title, language):
        axes.set_title(say(title, language))
