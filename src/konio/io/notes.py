"""What a film's file tells its reader, in Chinese beside the English of `konio.records.Source.notes`."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

#: Every note that the readers of films give, English to Chinese.
FILM_NOTES: Final = MappingProxyType(
    {
        "synthetic": "合成影像：虚构患者，非真人",
        "lossy compression": "曾经有损压缩",
        "burnt-in annotation": "图像中含烧录文字",
        "presentation LUT shape contradicts photometric interpretation": "显示查找表形状与光度解释相矛盾",
        "body part not stated": "文件头未注明检查部位",
        "view not stated": "文件头未注明投照体位",
        "spacing unknown": "像素间距未知",
        "turned as its EXIF says": "已按 EXIF 方向信息旋转",
    }
)


def notes_zh(notes: Iterable[str]) -> list[str]:
    """Notes in Chinese, in their order; one that is not known stays as it is.

    Examples:
        >>> notes_zh(["spacing unknown", "3 missing slices"])
        ['像素间距未知', '3 missing slices']
    """
    return [FILM_NOTES.get(note, note) for note in notes]
