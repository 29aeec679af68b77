"""The folder of a run: files of every film as they come, and the list of all of them at the end."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from konio.assess import Examined
from konio.errors import OutputError, UsageError
from konio.records import Assessment
from konio.report import pictures
from konio.report.files import append_line, make_folder, plain_name, write_bytes, write_text
from konio.report.index import Row, render_index
from konio.report.page import LANGUAGES, Language, render_page
from konio.report.viewer import first_shown

#: What a run can write for each film.
FORMATS: Final = ("json", "page", "dicom")

INDEX: Final = "index.html"
#: All assessments of a run, one JSON document a line, refused inputs included.
LINES: Final = "assessments.jsonl"


def json_line(assessment: Assessment) -> str:
    """The contract's JSON of one assessment on one line, without its line break.

    Text that is not valid Unicode (odd file names) is written with escapes, so that any reader can read it.
    """
    return json.dumps(assessment.to_json(), ensure_ascii=True, allow_nan=False)


def parse_formats(text: str) -> tuple[str, ...]:
    """The formats in ``json,page,dicom`` notation.

    Raises:
        UsageError: on an unknown or missing format.

    Examples:
        >>> parse_formats("page,json")
        ('json', 'page')
    """
    wanted = {word.strip() for word in text.split(",") if word.strip()}
    unknown = sorted(wanted - set(FORMATS))
    if unknown or not wanted:
        raise UsageError(
            f"format {', '.join(unknown) or 'list is empty'!r} is unknown; use some of {','.join(FORMATS)}"
        )
    return tuple(name for name in FORMATS if name in wanted)


@dataclass(frozen=True, slots=True)
class FilmFiles:
    """Writes the files of single inputs; what `ResultFolder` and processes that work for it share.

    Args:
        folder: where to write; it exists.
        formats: some of `FORMATS`.
        language: which language pages show first.
        about: the bundle's description, for the pages' provenance.
    """

    folder: Path
    formats: tuple[str, ...] = ("json", "page")
    language: Language = "auto"
    about: Mapping[str, Any] = field(default_factory=dict)

    def write(self, examined: Examined, stem: str) -> tuple[Assessment, OutputError | None]:
        """Writes the files of one input.

        Args:
            examined: the input; of a refused one there is nothing to write.
            stem: what their names begin with, from `ResultFolder.stem`.

        Returns:
            The assessment that names its files, and why some could not be written.
        """
        if examined.assessment.refusal is not None:
            return examined.assessment, None
        try:
            return self._write(examined, stem), None
        except OutputError as error:
            return examined.assessment, error

    def _write(self, examined: Examined, stem: str) -> Assessment:
        files = {name: str(self.folder / (stem + ending)) for name, ending in self._endings()}
        named = examined.assessment.with_files(files)
        if examined.image is not None and "heatmap" in files:
            heats = {heat.task: heat for heat in examined.heats}
            picture = pictures.heat_on_film(examined.image, heats.get(first_shown(examined) or ""))
            write_bytes(Path(files["heatmap"]), pictures.png_bytes(picture))
        if "page" in files:
            page = render_page(examined, language=self.language, about=self.about)
            write_text(Path(files["page"]), page)
        if "sr" in files:
            from konio.report.dicom import dicom_results

            results = dicom_results(examined)
            write_bytes(Path(files["overlay"]), results.overlay)
            write_bytes(Path(files["sr"]), results.report)
        if "json" in files:
            text = json.dumps(named.to_json(), indent=1, ensure_ascii=True, allow_nan=False)
            write_text(Path(files["json"]), text + "\n")
        return named

    def _endings(self) -> list[tuple[str, str]]:
        endings = {
            "json": [("json", ".json")],
            "page": [("page", ".html"), ("heatmap", "-heatmap.png")],
            "dicom": [("sr", "-sr.dcm"), ("overlay", "-overlay.dcm")],
        }
        return [pair for name in self.formats for pair in endings[name]]


@dataclass(slots=True)
class ResultFolder:
    """Writes what a run found; a film whose files cannot be written does not stop the next one.

    Args:
        folder: where to write; made if it does not exist.
        formats: some of `FORMATS`.
        language: which language pages show first.
        about: the bundle's description, for the pages' provenance.

    Raises:
        UsageError: on an unknown format or language.
        OutputError: if the folder cannot be made or written to.
    """

    folder: Path
    formats: tuple[str, ...] = ("json", "page")
    language: Language = "auto"
    about: Mapping[str, Any] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list, init=False)
    files: FilmFiles = field(init=False)
    _names: dict[str, int] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        parse_formats(",".join(self.formats))
        if self.language not in LANGUAGES:
            raise UsageError(
                f"language {self.language!r} is unknown; use one of {', '.join(LANGUAGES)}"
            )
        make_folder(self.folder)
        # Whoever cannot write here is to know before a thousand films are read.
        write_bytes(self.folder / LINES, b"")
        if "json" not in self.formats:
            (self.folder / LINES).unlink()
        self.files = FilmFiles(self.folder, self.formats, self.language, self.about)

    def add(self, examined: Examined) -> tuple[Assessment, OutputError | None]:
        """Writes the files of one input and puts it into the lists.

        Args:
            examined: the input after it was looked at; refused ones only appear in the lists.

        Returns:
            The assessment that names its files, and why some could not be written.
        """
        stem = self.stem(str(examined.assessment.input["path"]))
        assessment, failure = self.files.write(examined, stem)
        problem = self.enlist(Row.of(examined, assessment, failed=failure is not None))
        return assessment, failure or problem

    def stem(self, path: str) -> str:
        """A name that no other input of this run has, for the files of one."""
        return self._free_name(plain_name(path))

    def enlist(self, row: Row) -> OutputError | None:
        """Puts one input, whose files are written, into the lists; why that failed, if it did."""
        failure = None
        if "json" in self.formats:
            try:
                append_line(self.folder / LINES, json_line(row.assessment))
            except OutputError as error:
                failure, row = error, dataclasses.replace(row, failed=True)
        self.rows.append(row)
        return failure

    def finish(self) -> Path:
        """Writes the list of all inputs.

        Raises:
            OutputError: if it cannot be written.
        """
        page = render_index(self.rows, language=self.language, about=self.about)
        return write_text(self.folder / INDEX, page)

    def _free_name(self, name: str) -> str:
        """The name, or the name with a number where an earlier film of this run already took it."""
        wanted = name if f"{name}.html" != INDEX else f"{name}-film"
        key = wanted.casefold()
        self._names[key] = self._names.get(key, 0) + 1
        if self._names[key] == 1:
            return wanted
        return self._free_name(f"{wanted}-{self._names[key]}")
