"""The one table of questions: names, ordered classes, words in two languages, codes.

Every other place (networks, cohorts, pages, JSON, DICOM) takes its class names and orders from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

from konio.errors import RecordError, UsageError

#: What a missing label is in tensors; in records it is ``None``.
MISSING: Final = -1

#: The 12-point profusion scale of ILO and GBZ 70-2015, ascending (dossier section 1.2).
PROFUSIONS: Final = (
    "0/-", "0/0", "0/1", "1/0", "1/1", "1/2", "2/1", "2/2", "2/3", "3/2", "3/3", "3/+",
)  # fmt: skip

#: The six lung zones; ``r`` is the patient's right (the left side of a film as it is looked at).
ZONES: Final = ("ru", "rm", "rl", "lu", "lm", "ll")


@dataclass(frozen=True, slots=True)
class Answer:
    """One class of a question.

    Args:
        name: what stands in files and JSON.
        en: what an English page shows.
        zh: what a Chinese page shows.
    """

    name: str
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Task:
    """One question with its ordered classes.

    Args:
        name: key in cohorts, JSON and bundles; an identifier.
        answers: the classes in their one order.
        ordered: whether the order carries meaning (stages, profusions).
        en: the question in English.
        zh: the question in Chinese.
        code: DICOM coded concept ``(value, scheme, meaning)``; scheme ``99KONIO`` where the Standard has none.
        column: the column of ``cohort.csv``; the name where empty.
        zone: the lung zone (one of `ZONES`) the question is about, or ``None`` for the whole image.
        only_if: ``(task, class)`` that must hold for the question to make sense, or ``None``.
        by_middle: the answer is the middle of the distribution and not its most probable class; for ordered questions
            with many fine classes (docs/decisions/0037).

    Raises:
        RecordError: on fewer than two classes or a class given twice.
    """

    name: str
    answers: tuple[Answer, ...]
    ordered: bool
    en: str
    zh: str
    code: tuple[str, str, str]
    column: str = ""
    zone: str | None = None
    only_if: tuple[str, str] | None = None
    by_middle: bool = False
    classes: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        names = tuple(answer.name for answer in self.answers)
        if len(names) < 2 or len(set(names)) != len(names):
            raise RecordError(
                f"task {self.name!r} needs at least two different classes, got {names}; name each once"
            )
        object.__setattr__(self, "classes", names)
        object.__setattr__(self, "column", self.column or self.name)

    def __len__(self) -> int:
        """Number of classes."""
        return len(self.classes)

    def index(self, label: str | None) -> int:
        """Position of a class; `MISSING` for ``None``.

        Raises:
            RecordError: if the label is not a class of this task.
        """
        if label is None:
            return MISSING
        if label not in self.classes:
            raise RecordError(
                f"{label!r} is no class of task {self.name!r}; use one of {', '.join(self.classes)}"
            )
        return self.classes.index(label)

    def label(self, index: int) -> str | None:
        """Class at a position; ``None`` for `MISSING`."""
        return None if index == MISSING else self.classes[index]

    def chosen(self, shares: Sequence[float]) -> int:
        """Position of the class that is answered: the most probable one, or the middle of the distribution.

        Args:
            shares: one probability per class, in order, with sum 1.

        Examples:
            >>> RADIOGRAPH_TASKS["stage"].chosen([0.4, 0.3, 0.3, 0.0])
            0
            >>> RADIOGRAPH_TASKS["zone_ru"].chosen([0.4, 0.3, 0.3] + 9 * [0.0])
            1
        """
        if not self.by_middle:
            return max(range(len(self)), key=shares.__getitem__)
        for place, below in enumerate(accumulate(shares)):
            if below >= 0.5:
                return place
        return len(self) - 1

    def answer(self, name: str) -> Answer:
        """The class with its words in both languages."""
        return self.answers[self.index(name)]


@dataclass(frozen=True, slots=True)
class TaskSet:
    """All questions that one network answers, in order.

    Raises:
        RecordError: if two tasks carry the same name.
    """

    tasks: tuple[Task, ...]

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(self.tasks):
            raise RecordError(f"task names must differ, got {self.names}; rename one")

    @property
    def names(self) -> tuple[str, ...]:
        """The names in order."""
        return tuple(task.name for task in self.tasks)

    def __iter__(self) -> Iterator[Task]:
        return iter(self.tasks)

    def __len__(self) -> int:
        return len(self.tasks)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> Task:
        for task in self.tasks:
            if task.name == name:
                return task
        raise UsageError(f"task {name!r} is unknown; known tasks: {', '.join(self.names)}")

    def subset(self, *names: str) -> TaskSet:
        """The named tasks, in the order asked for.

        Examples:
            >>> RADIOGRAPH_TASKS.subset("stage").names
            ('stage',)
        """
        return TaskSet(tuple(self[name] for name in names))


_ZONE_WORDS: Final = {
    "ru": ("right upper zone", "右上肺区"),
    "rm": ("right middle zone", "右中肺区"),
    "rl": ("right lower zone", "右下肺区"),
    "lu": ("left upper zone", "左上肺区"),
    "lm": ("left middle zone", "左中肺区"),
    "ll": ("left lower zone", "左下肺区"),
}


def zone_words(zone: str) -> Answer:
    """A zone's names in both languages.

    Examples:
        >>> zone_words("ru").zh
        '右上肺区'
    """
    en, zh = _ZONE_WORDS[zone]
    return Answer(zone, en, zh)


def _yes_no(name: str, en: str, zh: str, code: str) -> Task:
    return Task(
        name,
        (Answer("absent", "absent", "无"), Answer("present", "present", "有")),
        ordered=False,
        en=en,
        zh=zh,
        code=(code, "99KONIO", en),
        only_if=("differential", "dust"),
    )


def _zone_task(zone: str) -> Task:
    en, zh = _ZONE_WORDS[zone]
    return Task(
        f"zone_{zone}",
        tuple(Answer(level, level, level) for level in PROFUSIONS),
        ordered=True,
        en=f"Profusion of small opacities, {en}",
        zh=f"小阴影密集度，{zh}",
        code=(f"profusion-{zone}", "99KONIO", f"Profusion of small opacities, {en}"),
        zone=zone,
        by_middle=True,
    )


DIFFERENTIAL: Final = Task(
    "differential",
    (
        Answer("healthy", "healthy", "健康"),
        Answer("tuberculosis", "tuberculosis", "肺结核"),
        Answer("dust", "dust-exposed", "接尘"),
    ),
    ordered=False,
    en="Healthy, tuberculosis or dust-exposed",
    zh="健康、肺结核或接尘",
    code=("differential", "99KONIO", "Healthy, tuberculosis or dust-exposed"),
)

STAGE: Final = Task(
    "stage",
    (
        Answer("0", "no pneumoconiosis", "无尘肺"),
        Answer("I", "stage I", "壹期"),
        Answer("II", "stage II", "贰期"),
        Answer("III", "stage III", "叁期"),
    ),
    ordered=True,
    en="Stage of pneumoconiosis (GBZ 70-2015)",
    zh="尘肺期别（GBZ 70-2015）",
    code=("gbz70-stage", "99KONIO", "Stage of pneumoconiosis (GBZ 70-2015)"),
    only_if=("differential", "dust"),
)

LARGE_OPACITY: Final = _yes_no(
    "large_opacity", "Large opacity of stage III size", "达到叁期大小的大阴影", "large-opacity"
)
AGGREGATION: Final = _yes_no(
    "aggregation", "Aggregation of small opacities", "小阴影聚集", "aggregation"
)

#: Every question konio knows about a chest radiograph. Paper A asks the first two.
RADIOGRAPH_TASKS: Final = TaskSet(
    (DIFFERENTIAL, STAGE, *(_zone_task(zone) for zone in ZONES), LARGE_OPACITY, AGGREGATION)
)


def _grades(en: str, zh: str) -> tuple[Answer, ...]:
    """Grades 1, 2, ... with their words, separated by semicolons."""
    pairs = zip(en.split("; "), zh.split("；"), strict=True)
    return tuple(Answer(str(grade), *words) for grade, words in enumerate(pairs, start=1))


def _nodule_task(name: str, words: tuple[str, str], en: str, zh: str, ordered: bool = True) -> Task:
    return Task(
        name,
        _grades(en, zh),
        ordered,
        en=words[0],
        zh=words[1],
        code=(f"nodule-{name}", "99KONIO", words[0]),
    )


#: Diameters in mm that the grades of the diameter question stand for; each is 1.5 times the one before, so that
#: an expected grade g is the diameter 4 x 1.5^g (a declared choice: paper C does not say how it grades diameters).
DIAMETER_GRADES_MM: Final = tuple(4.0 * 1.5**grade for grade in range(6))

DIAMETER: Final = Task(
    "diameter",
    tuple(
        Answer(f"{mm:.0f}", f"about {mm:.0f} mm", f"约{mm:.0f}毫米") for mm in DIAMETER_GRADES_MM
    ),
    ordered=True,
    en="Diameter",
    zh="直径",
    code=("nodule-diameter", "99KONIO", "Diameter"),
    column="diameter_mm",
)

MALIGNANCY: Final = _nodule_task(
    "malignancy",
    ("Suspicion of malignancy", "恶性可能"),
    "highly unlikely; moderately unlikely; indeterminate; moderately suspicious; highly suspicious",
    "极不可能；不太可能；不确定；较可疑；高度可疑",
)

#: The nine questions of paper C about a nodule. Grades as LIDC-IDRI's readers gave them (Armato et al., Medical
#: Physics 2011, table II): high subtlety is easy to see, high margin is sharp, high texture is solid.
NODULE_TASKS: Final = TaskSet(
    (
        _nodule_task(
            "subtlety",
            ("Subtlety", "可见程度"),
            "extremely subtle; moderately subtle; fairly subtle; moderately obvious; obvious",
            "极难辨认；较难辨认；稍难辨认；较明显；明显",
        ),
        _nodule_task(
            "lobulation",
            ("Lobulation", "分叶"),
            "none; nearly none; medium; near marked; marked",
            "无；几乎无；中等；较显著；显著",
        ),
        _nodule_task(
            "spiculation",
            ("Spiculation", "毛刺"),
            "none; nearly none; medium; near marked; marked",
            "无；几乎无；中等；较显著；显著",
        ),
        _nodule_task(
            "sphericity",
            ("Sphericity", "球形度"),
            "linear; ovoid/linear; ovoid; ovoid/round; round",
            "线状；卵圆/线状；卵圆；卵圆/圆形；圆形",
        ),
        _nodule_task(
            "margin",
            ("Margin", "边缘"),
            "poorly defined; near poorly defined; medium; near sharp; sharp",
            "模糊；较模糊；中等；较清晰；清晰",
        ),
        _nodule_task(
            "texture",
            ("Texture", "质地"),
            "non-solid; non-solid/mixed; part-solid; solid/mixed; solid",
            "磨玻璃；磨玻璃/混合；部分实性；实性/混合；实性",
        ),
        _nodule_task(
            "calcification",
            ("Calcification", "钙化"),
            "popcorn; laminated; solid; non-central; central; absent",
            "爆米花样；层状；实性；偏心；中心；无",
            ordered=False,
        ),
        DIAMETER,
        MALIGNANCY,
    )
)

#: Every question konio knows, about whatever image.
ALL_TASKS: Final = TaskSet((*RADIOGRAPH_TASKS, *NODULE_TASKS))
