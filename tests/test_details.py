"""Whatever stands in brackets in a refusal is said in Chinese too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import konio
from konio.details import DETAILS, detail_zh
from konio.errors import RefusedError
from konio.lungs.plausible import LIMITS

ROOMS = ("io", "lungs", "assess", "prepare")


def written(node: ast.expr) -> str | None:
    """The text of a constant or an f-string, ``7`` standing for whatever is put in; ``None`` for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "7" for part in node.values)  # fmt: skip
    return None


def details_of_the_source() -> Iterator[str]:
    root = Path(konio.__file__).parent
    for path in (path for room in ROOMS for path in (root / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            refuses = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "RefusedError"
            if refuses and len(node.args) == 2:
                text = written(node.args[1])
                if text:
                    yield text


def test_every_detail_of_the_source_has_chinese_words() -> None:
    found = set(details_of_the_source())
    assert len(found) > 60
    plain = {text for text in found if re.search("[A-Za-z]{4}", text)}
    assert {text for text in plain if detail_zh(text) == text} == set()


def test_what_was_found_stays_as_it_is() -> None:
    for english, chinese in DETAILS.items():
        names = [f"w{number}" for number in range(english.count("{}"))]
        said = detail_zh(english.format(*names))
        assert re.search("[\u4e00-\u9fff]", said) or not re.search("[A-Za-z]{3}", english), english
        assert all(name in said for name in names) or "{1}" in chinese, english


@pytest.mark.parametrize("limit", LIMITS.values(), ids=list(LIMITS))
def test_why_lungs_are_none_is_said_in_chinese(limit) -> None:
    said = RefusedError("no-lungs", f"{limit.words}: ratio 0.10, plausible is 0.15 to 1").reason_zh
    assert not re.search("[A-Za-z]", said)
    assert "0.10，合理范围 0.15 至 1" in said


def test_a_chinese_reason_holds_no_english_detail() -> None:
    assert RefusedError("not-an-image", "by its first bytes").reason_zh == (
        "不是 DICOM、PNG 或 JPEG 文件（依据文件开头的字节），请提供图像文件"
    )
    assert "检查类型 DX" in RefusedError("no-pixels", "modality DX").reason_zh
