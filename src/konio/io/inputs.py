"""From the paths a user names to the films and scans to read: directories walked, each file once, in a fixed order.

A file that is named is always an input, whatever it is; reading it says what is wrong. In a directory that is walked,
inputs are files that start like DICOM, PNG or JPEG, and files that carry an image's extension or cannot be
opened, so that none is lost in silence. A CT scan is one input: an MHD file, or the folder that holds the slices of its
series. Slices of CT that make no scan with others of their folder are inputs by themselves, to be refused one by one.
Everything else (tables, texts, DICOMDIR, masks of less than eight bits) is only counted.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from konio.io.magic import HEAD_BYTES, is_one_bit_png, sniff
from konio.io.scans import is_meta_image, is_slice

_EXTENSIONS: Final = frozenset({".dcm", ".dicom", ".ima", ".png", ".jpg", ".jpeg"})

_Key = tuple[int, int]  # device and inode: what makes two names one file


@dataclass(frozen=True, slots=True)
class Inputs:
    """What was found.

    Args:
        paths: the inputs in the order they are to be read.
        skipped: files of walked directories that are no images.
        duplicates: files that were reached a second time.
        scans: those of the paths that are CT scans: MHD files, and folders that hold the slices of a series.
        slices: files that are not inputs by themselves because they are slices of these folders.
    """

    paths: tuple[str, ...]
    skipped: int = 0
    duplicates: int = 0
    scans: tuple[str, ...] = ()
    slices: int = 0


def discover(paths: Iterable[str | os.PathLike[str]]) -> Inputs:
    """Find the films and CT scans that paths stand for.

    Args:
        paths: files and directories; directories are walked by name, links are followed, loops are not. The slices of a
            CT series that lie in one folder are one input, the folder (`konio.io.find_series` parts several series in
            it); the other files of that folder are inputs beside it.

    Returns:
        The inputs; paths that do not exist or cannot be opened are among them, for the reader to refuse.
    """
    found: dict[_Key | str, str] = {}
    scans: dict[str, None] = {}
    together: dict[str, frozenset[str]] = {}
    skipped = duplicates = slices = 0
    walked: set[_Key] = set()
    for path in paths:
        for name, named in _files(os.fspath(path), walked):
            facts = _facts(name)
            if is_meta_image(name):
                scans[name] = None
            elif not named and not _is_input(name, facts):
                skipped += 1
                continue
            elif not named and is_slice(name):
                folder = os.path.dirname(name) or os.curdir  # noqa: PTH120 - the name stays as it was written
                if folder not in together:
                    together[folder] = _slices_of_scans(folder)
                if name in together[folder]:
                    slices += 1
                    scans[folder] = None
                    found.setdefault(f"scan {folder}", folder)
                    continue
            key = _key(facts) if facts is not None else name
            duplicates += key in found
            found.setdefault(key, name)
    return Inputs(tuple(found.values()), skipped, duplicates, tuple(scans), slices)


def _slices_of_scans(folder: str) -> frozenset[str]:
    """Files of a folder that are slices of a CT series; the others stand for themselves."""
    # Starts the decoder, which a folder of films does not need here.
    from konio.io.series import find_scans

    return frozenset(one.path for slices in find_scans(folder).values() for one in slices)


def _files(path: str, walked: set[_Key]) -> Iterator[tuple[str, bool]]:
    """Files below a path, and whether they were named themselves."""
    facts = _facts(path)
    if facts is None or not stat.S_ISDIR(facts.st_mode):
        yield path, True
        return
    if _key(facts) in walked:
        return
    walked.add(_key(facts))
    try:
        inside = sorted(str(entry) for entry in Path(path).iterdir())
    except OSError:
        yield path, True  # a directory that cannot be listed is reported, not passed over
        return
    directories = {name for name in inside if _is_directory(name)}
    for name in inside:
        if name not in directories:
            yield name, False
    for name in inside:
        if name in directories:
            yield from _files(name, walked)


def _facts(path: str) -> os.stat_result | None:
    try:
        return Path(path).stat()
    except (OSError, ValueError):
        return None


def _key(facts: os.stat_result) -> _Key:
    return facts.st_dev, facts.st_ino


def _is_directory(path: str) -> bool:
    facts = _facts(path)
    return facts is not None and stat.S_ISDIR(facts.st_mode)


def _is_input(path: str, facts: os.stat_result | None) -> bool:
    if Path(path).name.upper() == "DICOMDIR":
        return False
    if facts is None:
        return True  # a broken link: reading it says so
    if not stat.S_ISREG(facts.st_mode):
        return False
    try:
        with Path(path).open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        return True
    if is_one_bit_png(head):
        return False
    return sniff(head) is not None or Path(path).suffix.lower() in _EXTENSIONS
