"""``konio assess``: answers for films, as lines to read, JSON lines to pipe, or pages in a folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from konio.cli.engines import Address, check_address, engine_of
from konio.cli.terminal import Language, complain, count_line, progress, say
from konio.errors import KonioError, UsageError

if TYPE_CHECKING:
    from konio.assess import Assessor
    from konio.engine import Engine
    from konio.io import Inputs
    from konio.records import Assessment
    from konio.report import ResultFolder
    from konio.tasks import TaskSet

#: The model that answers for films where none is named.
RADIOGRAPH_MODEL: Final = "konio-radiograph"

EXAMPLE: Final = (
    "\b\nExamples:\n"
    "  konio assess film.dcm                          answers on the terminal\n"
    "  konio assess films/ --out results              a page for each film and index.html\n"
    "  konio assess films/ --format json | jq .tasks  one JSON document a line\n"
    "  konio assess scan.mhd --at=-128.7,-175.3,-298.4 --out results   nine questions about a nodule"
)


Paths = Annotated[
    list[str],
    typer.Argument(
        metavar="PATH...",
        help="DICOM, PNG or JPEG files, or folders that hold them; CT scans with --at or --nodules.",
    ),
]
ModelName = Annotated[
    str,
    typer.Option(
        metavar="NAME|DIR",
        help="A shipped model or the directory of a bundle; with --at or --nodules konio-nodule by default.",
    ),
]
Out = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Where to write; needed for pages and DICOM.")
]
Formats = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="json,page,dicom",
        help="What to make; dicom for films only. json alone also writes JSON lines to standard output. "
        "Default: json,page with --out, else lines to read.",
    ),
]
Lang = Annotated[
    str, typer.Option(help="Language shown first: auto (the browser decides), en or zh.")
]
EngineName = Annotated[
    str, typer.Option(help="Where films are assessed: local (this machine) or ray (a Ray cluster).")
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Films at a time, each in a process of its own. Default: one here, on a cluster as many as it has room for.",
    ),
]
At = Annotated[
    list[str] | None,
    typer.Option(
        metavar="X,Y,Z",
        help="A place in a CT scan, world mm (LPS); write --at=X,Y,Z, since X may be negative; may be repeated.",
    ),
]
Nodules = Annotated[
    Path | None,
    typer.Option(
        metavar="CSV", help="Places in CT scans (LUNA16's annotations.csv or x_mm,y_mm,z_mm)."
    ),
]


def assess(
    paths: Paths,
    model: ModelName = RADIOGRAPH_MODEL,
    out: Out = None,
    formats: Formats = None,
    lang: Lang = "auto",
    engine: EngineName = "local",
    workers: Workers = None,
    address: Address = None,
    at: At = None,
    nodules: Nodules = None,
) -> int:
    """Assess chest radiographs: differential, stage, six zones, GBZ 70-2015, and what moved each answer.

    With --at or --nodules: nine questions about each place in a CT scan.
    """
    wanted = _wanted(formats, out)
    language = _language(lang)
    if at or nodules is not None:
        if engine != "local" or workers is not None or address is not None:
            raise UsageError(
                "places in CT scans are assessed in one process; leave --engine, --workers and --address out"
            )
        from konio.cli.assess_nodules import MODEL, Wish, assess_nodules

        named = MODEL if model == RADIOGRAPH_MODEL else model
        return assess_nodules(Wish(paths, at or (), nodules, named, out, wanted, language))
    return _assess_films(paths, model, out, wanted, language, _apart_of(engine, workers, address))


def _apart_of(engine: str, workers: int | None, address: str | None) -> Engine | None:
    """The engine on which films are assessed; ``None`` where it is this process."""
    if engine == "local" and (workers or 1) == 1:
        check_address(address, engine)
        return None
    return engine_of(engine, workers, address)


def _assess_films(
    paths: list[str],
    model: str,
    out: Path | None,
    wanted: tuple[str, ...],
    language: Language,
    engine: Engine | None,
) -> int:
    """Every film below the paths, here or on an engine; 0 where each was assessed and kept."""
    from konio.io import discover, start

    if engine is None:
        start()  # decoding warms up in its own process while this one imports the networks
    from konio.assess import load

    assessor = load(model)
    folder = _folder(out, wanted, language, assessor.about)
    told = _Told(wanted == ("json",), language, assessor.questions)
    found = discover(paths)
    looked = (
        _here(assessor, found.paths, folder)
        if engine is None
        else _apart(assessor, found.paths, folder, model, engine)
    )
    with progress("assessing", len(found.paths)) as advance:
        for assessment, failure in looked:
            told.tell(assessment, failure)
            advance()
    problem = _finish(folder)
    if problem is not None:
        complain(f"konio: {problem}")
    for sentence in _left_out(found, language):
        complain(sentence)
    told.count()
    return int(bool(told.failed or problem or not told.done))


_Looked = Iterator[tuple["Assessment", "KonioError | None"]]


def _here(assessor: Assessor, paths: Sequence[str], folder: ResultFolder | None) -> _Looked:
    for examined in assessor.examine(paths):
        yield (examined.assessment, None) if folder is None else folder.add(examined)


def _apart(
    assessor: Assessor,
    paths: Sequence[str],
    folder: ResultFolder | None,
    model: str,
    engine: Engine,
) -> _Looked:
    from konio.bulk import assess_many

    for looked in assess_many(paths, model, assessor, engine, folder):
        yield looked.row.assessment, looked.problem


@dataclass(slots=True)
class _Told:
    """What was said about films so far.

    Args:
        piping: JSON lines on standard output and nothing else there.
        language: of the sentences.
        questions: of the model.
    """

    piping: bool
    language: Language
    questions: TaskSet
    done: int = 0
    failed: int = 0

    def tell(self, assessment: Assessment, problem: KonioError | None) -> None:
        """Say what came of one film."""
        refused = assessment.refusal is not None
        self.failed += refused or problem is not None
        self.done += not (refused or problem)
        if self.piping:
            say(_json(assessment))
        elif not refused:
            say(_line(self.questions, assessment, self.language))
        for sentence in _complaints(assessment, problem, self.language):
            complain(sentence)

    def count(self) -> None:
        """Say how many succeeded and failed."""
        line = count_line(self.done, self.failed, "assessed", "已评估", self.language)
        say(line, to=sys.stderr if self.piping else sys.stdout)


def _wanted(formats: str | None, out: Path | None) -> tuple[str, ...]:
    """What is to be made; nothing means lines to read."""
    if formats is None:
        return () if out is None else ("json", "page")
    from konio.report import parse_formats

    wanted = parse_formats(formats)
    if out is None and wanted != ("json",):
        files = [name for name in wanted if name != "json"]
        verb = "is" if len(files) == 1 else "are"
        raise UsageError(f"{' and '.join(files)} {verb} written as files; say where with --out DIR")
    return wanted


def _language(name: str) -> Language:
    for known in ("auto", "en", "zh"):
        if name == known:
            return known
    raise UsageError(f"language {name!r} is unknown; use auto, en or zh")


def _folder(
    out: Path | None, wanted: tuple[str, ...], language: Language, about: Any
) -> ResultFolder | None:
    if out is None:
        return None
    from konio.report import ResultFolder

    return ResultFolder(out, wanted, language, about)


def _finish(folder: ResultFolder | None) -> KonioError | None:
    if folder is None:
        return None
    try:
        folder.finish()
    except KonioError as problem:
        return problem
    return None


def _json(assessment: Assessment) -> str:
    from konio.report import json_line

    return json_line(assessment)


def _line(questions: TaskSet, assessment: Assessment, language: Language) -> str:
    """One assessed film in one line."""
    from konio.report.words import answer_words, percent
    from konio.tasks import STAGE

    chinese = language == "zh"
    parts = []
    for name, answer in assessment.tasks.items():
        if name in ("differential", "stage") and answer is not None:
            words = answer_words(questions[name], answer.prediction)
            sure = percent(answer.probabilities[answer.prediction])
            parts.append(f"{words.zh if chinese else words.en} ({sure})")
    if assessment.rule is not None:
        by_zones = "由肺区推定为" if chinese else "by the zones "
        words = answer_words(STAGE, assessment.rule["stage"])
        stage = words.zh if chinese else words.en
        parts.append(f"{by_zones}{stage} ({assessment.rule['clause']})")
    page = assessment.files.get("page")
    return f"{assessment.input['path']}: {'; '.join(parts)}{f' -> {page}' if page else ''}"


def _left_out(found: Inputs, language: Language) -> Iterator[str]:
    """What became of files that were not assessed and not refused."""
    skipped, twice = found.skipped, found.duplicates
    if language == "zh":
        if skipped:
            yield f"文件夹中有 {skipped} 个文件不是图像，已略过"
        if twice:
            yield f"{twice} 个文件被重复指定，只读取一次"
        return
    if skipped:
        one = skipped == 1
        yield (
            f"{skipped} {'file' if one else 'files'} in folders {'is' if one else 'are'} "
            f"no {'image' if one else 'images'} and {'was' if one else 'were'} passed over"
        )
    if twice:
        one = twice == 1
        yield f"{twice} {'file was' if one else 'files were'} named twice and read once"


def _complaints(
    assessment: Assessment, problem: KonioError | None, language: Language
) -> Iterator[str]:
    path = assessment.input["path"]
    if assessment.refusal is not None:
        refusal = assessment.refusal
        reason = refusal.reason_zh if language == "zh" else refusal.reason
        yield f"{path}: {'拒绝' if language == 'zh' else 'refused'} [{refusal.code}]: {reason}"
    if problem is not None:
        yield f"{path}: {problem}"
