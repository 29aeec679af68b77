"""One nodule as one self-contained page: mosaic, attention over slices, three planes, readers and the ruler beside the network."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from konio.assess.nodules import MAIN
from konio.errors import UsageError
from konio.records import TaskAnswer
from konio.report.facts import Fact
from konio.report.page import Language, page_head, render
from konio.report.pictures import png_bytes
from konio.report.words import WORDS, Words, answer_words, percent, question_words
from konio.tasks import NODULE_TASKS, Task

if TYPE_CHECKING:
    from konio.assess.nodules import ExaminedNodule

#: Text of the pages by key.
NODULE_WORDS: Final = MappingProxyType(
    {
        "title": Words("Assessment of a lung nodule", "肺结节评估"),
        "list": Words("Nodules that were assessed", "已评估结节"),
        "nodule": Words("Nodule", "结节"),
        "place": Words("place (x, y, z), mm", "位置 (x, y, z)，毫米"),
        "mosaic": Words("What the network saw: one tile is one slice", "网络所见：每块为一层"),
        "mosaic-note": Words(
            "Slices run from the feet (top left) to the head (bottom right), row by row.",
            "按行自足侧（左上）到头侧（右下）排列。",
        ),
        "frames-note": Words(
            "Frames: slices with more than an equal share of the attention, the brighter the more.",
            "边框表示注意力高于均分的层面，越亮越高。",
        ),
        "slice": Words("What the network saw", "网络所见"),
        "slice-note": Words("One slice, lung window.", "单层，肺窗。"),
        "planes": Words("Three planes through the most attended slice", "经最受关注层面的三个平面"),
        "planes-note": Words(
            "Axial: the patient's right on the left. Coronal and sagittal: head at the top. Window −1000 to 400 HU.",
            "横断面：患者右侧在图左。冠状面与矢状面：头侧在上。窗 −1000～400 HU。",
        ),
        "axial": Words("axial", "横断面"),
        "coronal": Words("coronal", "冠状面"),
        "sagittal": Words("sagittal", "矢状面"),
        "expected": Words("expected grade", "期望等级"),
        "expected-mm": Words("expected diameter", "期望直径"),
        "nominal": Words("kinds, not grades", "类别，无高低之分"),
        "ruler": Words("The diameter alone says", "仅凭直径"),
        "ruler-short": Words("by diameter alone", "仅凭直径"),
        "attention": Words("Where the answer comes from, slice by slice", "各层对回答的贡献"),
        "attention-note": Words(
            "Attention rollout. It shows what moved the network, not where disease is.",
            "注意力回溯。表示影响网络的层面，并非病变位置。",
        ),
        "feet": Words("feet", "足侧"),
        "head": Words("head", "头侧"),
        "deletion": Words("As the most attended slices are taken away", "依次去除最受关注的层面"),
        "deletion-note": Words(
            "Probability of the answer about malignancy against the number of slices replaced by plain lung. A curve that falls at "
            "once says that these slices did carry the answer.",
            "纵轴为恶性回答的概率，横轴为被替换为正常肺的层数。曲线立即下降说明回答确由这些层面支撑。",
        ),
        "slices": Words("Slices of the scan that mattered most", "扫描中最重要的层面"),
        "slice-number": Words("slice of the scan", "扫描层号"),
        "share": Words("share", "占比"),
        "spacing": Words("voxel spacing (z, y, x)", "体素间距 (z, y, x)"),
        "made-up": Words("made-up scan, no patient", "虚构扫描，非真人"),
        "no-claim": Words(
            "Learned from made-up nodules (computed scans). No clinical claim: how well it reads real scans is unknown.",
            "以虚构结节（计算机生成的扫描）训练，无临床声明：对真实扫描的判读能力未知。",
        ),
    }
)  # fmt: skip

#: Part of an equal share of the attention below which a slice has no frame.
_EVEN: Final = 0.9


def render_nodule_page(
    examined: ExaminedNodule,
    *,
    language: Language = "auto",
    about: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> str:
    """The page of an assessed nodule.

    Args:
        examined: with the cube that the network saw.
        language: shown first; ``auto`` asks the browser.
        about: the bundle's description.
        now: the time written on the page; the present by default.

    Raises:
        UsageError: if the place was refused, so that there is nothing to show.
    """
    if examined.cube is None or examined.assessment.refusal is not None:
        raise UsageError(f"{name_of(examined)} was refused, so there is no page of it")
    why = examined.assessment.explanation or {}
    attention = why.get("attention")
    shown = examined.grid > 1
    title = f"{name_of(examined)} · {NODULE_WORDS['title'].en}"
    page = {
        **page_head(title, language),
        "name": name_of(examined),
        "place": place_text(examined),
        "claim": _claim(about or {}),
    }
    answers = _answers(examined)
    return render(
        "nodule.html.j2",
        beside="nodule.css",
        page=page,
        words=NODULE_WORDS,
        mosaic=_mosaic(examined, attention) if shown else None,
        planes=_planes(examined, attention if shown else None),
        tiles=_tiles(examined),
        main_answer=answers.pop(MAIN, None),
        answers=list(answers.values()),
        attention=_attention(attention) if shown and attention else None,
        curve=_curve(why.get("deletion") or {}),
        regions=_regions(examined),
        withheld=[
            {"question": question_words(NODULE_TASKS[name]), "why": Words(*reasons)}
            for name, reasons in examined.assessment.withheld.items()
        ],
        provenance=_provenance(examined, about or {}, now or datetime.now(UTC)),
    )


def render_nodule_list(
    rows: Sequence[tuple[ExaminedNodule, str]], *, language: Language = "auto"
) -> str:
    """The list of several nodules.

    Args:
        rows: each nodule and the file name of its page, or ``""``.
        language: shown first.
    """
    listed = []
    for examined, page in rows:
        refusal = examined.assessment.refusal
        answer = (
            _main_words(examined) if refusal is None else Words(refusal.reason, refusal.reason_zh)
        )
        ruler = (examined.assessment.explanation or {}).get("diameter_only")
        listed.append(
            {
                "page": page,
                "name": name_of(examined),
                "place": place_text(examined),
                "answer": answer,
                "ruler": _same(percent(ruler["probability"]) if ruler else "–"),
            }
        )
    head = page_head(NODULE_WORDS["list"].en, language)
    question = question_words(NODULE_TASKS[MAIN])
    return render("nodules.html.j2", page=head, words=NODULE_WORDS, question=question, rows=listed)


def name_of(examined: ExaminedNodule) -> str:
    """What a nodule is called: its name, or its scan's."""
    return examined.place.name or Path(str(examined.assessment.input["path"])).name


def place_text(examined: ExaminedNodule) -> str:
    """World coordinates as they are read."""
    return ", ".join(f"{value:.1f}" for value in examined.place.at_mm)


def _main_words(examined: ExaminedNodule) -> Words:
    answer = examined.assessment.tasks.get(MAIN)
    if answer is None:
        return WORDS["not-answered"]
    words = answer_words(NODULE_TASKS[MAIN], answer.prediction)
    sure = percent(answer.probabilities[answer.prediction])
    return Words(f"{words.en} ({sure})", f"{words.zh}（{sure}）")


def _tiles(examined: ExaminedNodule) -> list[dict[str, Any]]:
    tiles = []
    answer = examined.assessment.tasks.get(MAIN)
    if answer is not None:
        words = answer_words(NODULE_TASKS[MAIN], answer.prediction)
        grade = 1 + (answer.expected or 0.0)
        under = Words(f"expected grade {grade:.2f} of 5", f"期望等级 {grade:.2f}（满分 5）")
        tiles.append(
            {"question": question_words(NODULE_TASKS[MAIN]), "answer": words, "under": under}
        )
    ruler = (examined.assessment.explanation or {}).get("diameter_only")
    if ruler is not None:
        sure = percent(ruler["probability"])
        origin = (
            Words("measured", "实测") if ruler["measured"] else Words("as estimated", "网络估计")
        )
        under = Words(
            f"that it is rated suspicious, from {ruler['diameter_mm']:.1f} mm ({origin.en}) and nothing else",
            f"被评为可疑的概率，仅依据直径 {ruler['diameter_mm']:.1f} 毫米（{origin.zh}）",
        )
        tiles.append({"question": NODULE_WORDS["ruler"], "answer": _same(sure), "under": under})
    return tiles


def _answers(examined: ExaminedNodule) -> dict[str, dict[str, Any]]:
    """Every question that was answered, by name."""
    readers = (examined.assessment.explanation or {}).get("readers") or {}
    found = {}
    for task in examined.questions:
        answer = examined.assessment.tasks.get(task.name)
        if answer is not None:
            found[task.name] = {
                "question": question_words(task),
                "rows": _bars(task, answer),
                "expected": _expected(task, answer),
                "expected_words": NODULE_WORDS[
                    "expected-mm" if task.name == "diameter" else "expected"
                ],
                "readers": _readers(readers.get(task.name)),
            }
    return found


def _expected(task: Task, answer: TaskAnswer) -> str:
    if answer.expected is None:
        return ""
    if task.name == "diameter":
        from konio.networks.rated import diameter_mm

        return f"{diameter_mm(answer.expected):.1f} mm"
    return f"{1 + answer.expected:.2f} / {len(task)}"


def _readers(known: Mapping[str, Any] | None) -> Words | None:
    if known is None:
        return None
    sd, count = f"{known['sd']:.2f}", known["nodules"]
    return Words(
        f"people differ by ± {sd} grades about such nodules (n = {count})",
        f"读片者对此类结节的分歧为 ±{sd} 级（n = {count}）",
    )


def _bars(task: Task, answer: TaskAnswer) -> list[dict[str, Any]]:
    return [
        {
            "words": answer_words(task, name),
            "width": f"{100 * probability:.1f}%",
            "percent": percent(probability),
            "chosen": name == answer.prediction,
        }
        for name, probability in answer.probabilities.items()
    ]


def _grey(values: NDArray[np.float32], shape: tuple[float, float], side: int) -> str:
    """A slice in -1..1 as a PNG data address, its longer side ``side`` pixels, voxels in their true proportion."""
    height, width = (n * mm for n, mm in zip(values.shape, shape, strict=True))
    scale = side / max(height, width)
    bytes_ = np.rint((np.clip(values, -1, 1) + 1) * 127.5).astype(np.uint8)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    picture = Picture.fromarray(bytes_).resize(size, Picture.Resampling.BICUBIC)
    return "data:image/png;base64," + base64.b64encode(png_bytes(picture)).decode()


def _mosaic(examined: ExaminedNodule, attention: Sequence[float] | None) -> dict[str, Any]:
    cube = _cube(examined)
    grid, side = examined.grid, cube.shape[1]
    tiled = cube.reshape(grid, grid, side, side).transpose(0, 2, 1, 3)
    picture = tiled.reshape(grid * side, -1)
    tiles = []
    for number, share in enumerate(attention or ()):
        row, column = divmod(number, grid)
        line = side / 16
        tiles.append(
            {
                "x": column * side + line / 2,
                "y": row * side + line / 2,
                "width": side - line,
                "line": line,
                "strength": round(min(1.0, max(0.0, share * grid**2 - _EVEN)), 3),
            }
        )
    uri = _grey(picture, (1.0, 1.0), max(picture.shape) * max(1, round(448 / max(picture.shape))))
    return {"uri": uri, "side": picture.shape[0], "tiles": tiles}


def _planes(examined: ExaminedNodule, attention: Sequence[float] | None) -> list[dict[str, Any]]:
    cube, (z, y, x) = _cube(examined), examined.spacing_mm
    if len(cube) == 1:
        return [
            {"uri": _grey(cube[0], (y, x), 384), "name": NODULE_WORDS["axial"]},
        ]
    most = int(np.argmax(attention)) if attention else len(cube) // 2
    middle = cube.shape[1] // 2
    shown = (
        ("axial", cube[most], (y, x)),
        ("coronal", cube[::-1, middle], (z, x)),
        ("sagittal", cube[::-1, :, middle], (z, y)),
    )
    return [
        {"uri": _grey(plane, shape, 300), "name": NODULE_WORDS[name]}
        for name, plane, shape in shown
    ]


def _cube(examined: ExaminedNodule) -> NDArray[np.float32]:
    if examined.cube is None:
        raise UsageError(f"{name_of(examined)} was refused and has no pixels")
    return examined.cube


def _attention(shares: Sequence[float]) -> dict[str, Any]:
    most = max(shares)
    bars = [
        {
            "x": 6 * n,
            "width": 5,
            "height": round(56 * s / most, 2),
            "y": round(58 - 56 * s / most, 2),
        }
        for n, s in enumerate(shares)
    ]
    label = ", ".join(f"{n + 1}: {percent(s)}" for n, s in enumerate(shares))
    return {"width": 6 * len(shares), "bars": bars, "label": label}


def _curve(deletion: Mapping[str, Sequence[float]]) -> dict[str, Any] | None:
    removed, left = deletion.get("removed") or (), deletion.get("probability") or ()
    if len(removed) < 2:
        return None
    points = " ".join(
        f"{300 * count / removed[-1]:.1f},{60 * (1 - value):.1f}"
        for count, value in zip(removed, left, strict=True)
    )
    label = ", ".join(f"{int(c)}: {percent(v)}" for c, v in zip(removed, left, strict=True))
    return {"points": points, "last": int(removed[-1]), "label": label}


def _regions(examined: ExaminedNodule) -> list[dict[str, Any]]:
    return [
        {
            "slice": (region.slice_index or 0) + 1,
            "share": percent(region.share),
            "box": ", ".join(str(value) for value in region.box_px),
        }
        for region in examined.assessment.regions
    ]


def _claim(about: Mapping[str, Any]) -> Words:
    made_up = (about.get("cohort") or {}).get("made_up")
    return NODULE_WORDS["no-claim"] if made_up else WORDS["no-claim-own"]


def _provenance(examined: ExaminedNodule, about: Mapping[str, Any], now: datetime) -> list[Fact]:
    given, model = examined.assessment.input, examined.assessment.model
    spacing = " × ".join(f"{value:.2f}" for value in given["spacing_mm"])
    seen = " × ".join(f"{value:.2f}" for value in given["model_spacing_mm"])
    facts = [
        Fact(WORDS["file"], _same(str(given["path"])), code=True),
        Fact(NODULE_WORDS["spacing"], _same(f"{spacing} mm")),
        Fact(WORDS["model-spacing"], _same(f"{seen} mm")),
        Fact(NODULE_WORDS["place"], _same(place_text(examined))),
        Fact(WORDS["model"], _same(model.name)),
        Fact(WORDS["weights"], _same(model.weights_sha256), code=True),
        Fact(WORDS["version"], _same(model.konio_version)),
        Fact(WORDS["precision"], _same(model.precision)),
    ]
    facts += [
        Fact(WORDS["notes"], NODULE_WORDS["made-up"] if note == "SYNTHETIC" else _same(note))
        for note in examined.assessment.quality.get("notes", ())
    ]
    facts.append(Fact(WORDS["made"], _same(now.strftime("%Y-%m-%d %H:%M UTC"))))
    return facts


def _same(text: str) -> Words:
    return Words(text, text)
