"""Everything that can go wrong, on one page.

::

    KonioError
    ├── UsageError          the caller asked for something that does not exist      (exit status 2)
    ├── RecordError         a value breaks the rule of the record it belongs to
    ├── CohortError         a table of cases cannot be used (columns, labels, leakage)
    ├── BundleError         a model directory is incomplete, altered or of another kind
    ├── RecipeError         a training recipe does not say what it must
    ├── SettingsError       a service's settings are incomplete, contradictory or unsafe
    ├── OutputError         a result could not be written
    ├── StudyError          a study cannot go on: trials that others depend on failed
    └── RefusedError        one input is refused; carries a code of `REFUSALS`

Every message is one sentence with three parts: what, why, what to do about it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, NamedTuple

from konio.details import detail_zh


class KonioError(Exception):
    """Base of all errors that konio raises on purpose."""


class UsageError(KonioError):
    """The caller asked for something that does not exist or does not fit together."""


class RecordError(KonioError, ValueError):
    """A value breaks the rule of the record it was meant for."""


class CohortError(KonioError):
    """A table of cases cannot be used as it is."""


class BundleError(KonioError):
    """A model bundle is incomplete, altered, of another kind or unsafe to open."""


class RecipeError(KonioError):
    """A training recipe is incomplete or contradicts itself."""


class SettingsError(KonioError):
    """A service cannot start with the settings it was given."""


class OutputError(KonioError):
    """A result could not be written where it was asked for."""


class StudyError(KonioError):
    """A study cannot go on, since trials that others depend on have no result."""


class RefusalText(NamedTuple):
    """Why an input is refused and what to do, in both languages of the reading room."""

    en: str
    zh: str


#: Every code with which an input may be refused. ``{detail}`` is filled by the place that refuses.
REFUSALS: Final = MappingProxyType(
    {
        "missing": RefusalText(
            "the file does not exist; check the path",
            "文件不存在，请检查路径",
        ),
        "unreadable": RefusalText(
            "the file cannot be opened ({detail}); check its permissions",
            "文件无法打开（{detail}），请检查权限",
        ),
        "empty": RefusalText(
            "the file holds no bytes; copy it again from its source",
            "文件为空，请重新从来源复制",
        ),
        "not-an-image": RefusalText(
            "this is neither DICOM nor PNG nor JPEG ({detail}); give an image file",
            "不是 DICOM、PNG 或 JPEG 文件（{detail}），请提供图像文件",
        ),
        "truncated": RefusalText(
            "the file ends before its pixels do ({detail}); copy it again from its source",
            "文件在像素数据结束前中断（{detail}），请重新从来源复制",
        ),
        "no-pixels": RefusalText(
            "the DICOM object carries no pixel data ({detail}); export the image itself",
            "DICOM 对象不含像素数据（{detail}），请导出图像本身",
        ),
        "bad-header": RefusalText(
            "the header contradicts itself ({detail}); export the film again",
            "文件头自相矛盾（{detail}），请重新导出",
        ),
        "too-large": RefusalText(
            "the header declares more pixels than any radiograph has ({detail}); export the film again",
            "文件头声明的像素数超出任何胸片（{detail}），请重新导出",
        ),
        "unsupported-syntax": RefusalText(
            "the transfer syntax cannot be decoded ({detail}); export it uncompressed or as JPEG 2000",
            "无法解码该传输语法（{detail}），请以非压缩或 JPEG 2000 格式导出",
        ),
        "decode-failed": RefusalText(
            "the pixels cannot be decoded ({detail}); export the film again",
            "像素无法解码（{detail}），请重新导出",
        ),
        "decode-limit": RefusalText(
            "decoding passed its limit of {detail} and was stopped; export the film again",
            "解码超出限制（{detail}）已停止，请重新导出",
        ),
        "not-radiograph": RefusalText(
            "this is not a chest radiograph ({detail}); give a posterior-anterior chest film",
            "不是胸部X线片（{detail}），请提供后前位胸片",
        ),
        "wrong-view": RefusalText(
            "the view is not posterior-anterior ({detail}); give the PA film of this examination",
            "不是后前位（{detail}），请提供该次检查的后前位胸片",
        ),
        "several-frames": RefusalText(
            "the object holds several pictures ({detail}); give one radiograph a file",
            "对象含多幅图像（{detail}），请每个文件提供一张胸片",
        ),
        "too-small": RefusalText(
            "the picture is too small to be read ({detail}); give the film at its own resolution",
            "图像过小无法判读（{detail}），请提供原始分辨率胸片",
        ),
        "inverted": RefusalText(
            "the picture is inverted against what its header says ({detail}); correct the header at the source",
            "图像黑白与文件头声明相反（{detail}），请在来源处更正",
        ),
        "negative": RefusalText(
            "the picture is a negative, its bones are dark ({detail}); give it with bright bones",
            "图像为负片，骨骼呈黑色（{detail}），请提供骨骼呈白色的图像",
        ),
        "upside-down": RefusalText(
            "the film does not stand upright ({detail}); turn it so that the tips of the lungs are on top",
            "胸片未正立（{detail}），请旋转至肺尖朝上",
        ),
        "blank": RefusalText(
            "the picture holds no contrast ({detail}); export the film again",
            "图像没有对比度（{detail}），请重新导出",
        ),
        "not-ct": RefusalText(
            "this is not a CT of the chest ({detail}); give a folder with the slices of one series, or an MHD file",
            "不是胸部CT（{detail}），请提供单个序列的切片文件夹或 MHD 文件",
        ),
        "scan-without-place": RefusalText(
            "this is a CT scan, which answers about places in it ({detail}); name them with --at X,Y,Z or --nodules CSV",
            "这是CT扫描，只能回答指定位置的问题（{detail}），请用 --at X,Y,Z 或 --nodules CSV 指定",
        ),
        "several-series": RefusalText(
            "the folder holds several series ({detail}); name the one to read",
            "文件夹含多个序列（{detail}），请指定要读取的序列",
        ),
        "mixed-orientation": RefusalText(
            "the slices of the series do not lie parallel ({detail}); export one reconstruction alone",
            "该序列的切片方向不一致（{detail}），请单独导出一个重建序列",
        ),
        "uneven-slices": RefusalText(
            "the slices do not lie at even distances ({detail}); export the series again",
            "切片间距不均匀（{detail}），请重新导出该序列",
        ),
        "duplicate-slices": RefusalText(
            "two different slices lie at one place ({detail}); export one reconstruction alone",
            "同一位置有两个不同的切片（{detail}），请单独导出一个重建序列",
        ),
        "missing-slices": RefusalText(
            "slices are missing where they are needed ({detail}); copy the whole series again",
            "所需位置缺少切片（{detail}），请重新复制整个序列",
        ),
        "thick-slices": RefusalText(
            "the slices are thicker than 2.5 mm ({detail}); give a thin reconstruction of this examination",
            "层厚超过 2.5 mm（{detail}），请提供该次检查的薄层重建",
        ),
        "outside-scan": RefusalText(
            "the place does not lie inside the scan ({detail}); check the world coordinates",
            "该位置不在扫描范围内（{detail}），请检查世界坐标",
        ),
        "not-assessed": RefusalText(
            "the film could not be assessed ({detail}); assess it again, alone",
            "胸片未能评估（{detail}），请单独重新评估",
        ),
        "no-lungs": RefusalText(
            "no two lungs were found ({detail}); give a posterior-anterior chest film with both lungs",
            "未找到双侧肺野（{detail}），请提供包含双肺的后前位胸片",
        ),
    }
)


class RefusedError(KonioError):
    """One input is refused, with a code and one sentence; other inputs go on.

    Args:
        code: a key of `REFUSALS`.
        detail: what was found, to be put into the sentence; short, no patient data.

    Attributes:
        code: the key.
        reason: the English sentence.
        reason_zh: the Chinese sentence.

    Examples:
        >>> RefusedError("too-small", "64 x 64 pixels").code
        'too-small'
    """

    def __init__(self, code: str, detail: str = "") -> None:
        if code not in REFUSALS:
            raise UsageError(
                f"refusal code {code!r} is unknown; known codes: {', '.join(REFUSALS)}"
            )
        self.code = code
        self.detail = detail
        text = REFUSALS[code]
        self.reason = text.en.format(detail=detail or "no detail")
        self.reason_zh = text.zh.format(detail=detail_zh(detail) if detail else "无详情")
        super().__init__(self.reason)

    def __reduce__(self) -> tuple[type[RefusedError], tuple[str, str]]:
        """Travels between processes with code and detail, not with the finished sentence."""
        return (type(self), (self.code, self.detail))
