"""Reading radiographs: a child process decodes; this side asks, waits with a limit and checks the answer.

The child is started once and used for film after film; pixels come back through shared memory. A child that
crashes, takes too long or runs out of memory is replaced and the film it had is refused; the caller's process is
never at risk. POSIX only (Linux, macOS).
"""

from __future__ import annotations

import atexit
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any

from konio.errors import RefusedError, UsageError
from konio.io.process import Answer, Limits, Process
from konio.io.scans import is_scan
from konio.records import Image, Source

__all__ = ["Decoder", "Limits", "read", "read_many", "start"]

Path = str | os.PathLike[str]


class Decoder:
    """Reads films one after another in a child process of its own; may be used from several threads.

    Args:
        limits: what one film may cost.

    Examples:
        >>> with Decoder() as decoder:  # doctest: +SKIP
        ...     image = decoder.read("film.dcm")
    """

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._lock = threading.Lock()
        self._process: Process | None = None
        self._closed = False

    def start(self) -> None:
        """Begin starting the child without waiting for it, so that it is ready when the first film comes."""
        with self._lock:
            self._running()

    def read(self, path: Path) -> Image:
        """Read one radiograph.

        Args:
            path: DICOM, PNG or JPEG file.

        Returns:
            ``(H, W)`` float32 in 0..1, bright bone, with its spacing where the file tells it.

        Raises:
            RefusedError: if the file cannot be read, or holds no PA chest radiograph.
            UsageError: if the decoder is closed.
        """
        name = os.fspath(path)
        if is_scan(name):
            from konio.io.series import scan_words  # which reads headers with a decoder

            raise RefusedError("scan-without-place", scan_words(name, self))
        return _image(name, self.ask(name))

    def ask(self, path: str, question: str = "film") -> Answer:
        """Have the child answer a question about a file, as `konio.io.process.Process.ask` puts it.

        Raises:
            RefusedError: with the code that applies.
            UsageError: if the decoder is closed.
        """
        with self._lock:
            process = self._running()
            # The child keeps the folder it was started in; joining leaves links and ".." as they were written.
            place = os.path.join(os.getcwd(), path)  # noqa: PTH109, PTH118
            try:
                answer = process.ask(place, question)
            except BaseException:
                self._replace()  # crashed, late or interrupted: its answer would reach the next question
                raise
            if answer.refusal is not None and answer.refusal.code == "decode-limit":
                self._replace()
        if answer.refusal is not None:
            raise answer.refusal
        return answer

    def close(self) -> None:
        """End the child; the decoder cannot be used afterwards."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._process.close()
                self._process = None

    def __enter__(self) -> Decoder:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _running(self) -> Process:
        if self._closed:
            raise UsageError("the decoder is closed; make a new one")
        if self._process is not None and not self._process.usable():
            self._process.close()
            self._process = None
        if self._process is None:
            self._process = Process(self.limits)
        return self._process

    def _replace(self) -> None:
        if self._process is not None:
            self._process.close(patient=False)
        self._process = Process(self.limits)


def _image(path: str, answer: Answer) -> Image:
    facts: dict[str, Any] = answer.facts
    rows, columns = answer.pixels.shape
    source = Source(
        path=path,
        sha256=facts["sha256"],
        format=facts["format"],
        rows=rows,
        columns=columns,
        sop_instance_uid=facts["sop_instance_uid"],
        patient_id=facts["patient_id"],
        notes=tuple(facts["notes"]),
    )
    spacing = None if facts["spacing_mm"] is None else tuple(facts["spacing_mm"])
    return Image(answer.pixels, spacing, "radiograph", source)


_default = Decoder()


def _forget_default() -> None:
    """In a forked process: the parent's child answers the parent only."""
    global _default
    _default = Decoder()


def _close_default() -> None:
    _default.close()


os.register_at_fork(after_in_child=_forget_default)
atexit.register(_close_default)


def shared() -> Decoder:
    """The decoder that `read` uses."""
    return _default


def start() -> None:
    """Begin starting the shared decoder without waiting, while the caller imports what else it needs."""
    _default.start()


def read(path: Path) -> Image:
    """Read one radiograph with the shared decoder.

    Args:
        path: DICOM (CR, DX, secondary capture), PNG or JPEG file.

    Returns:
        ``(H, W)`` float32 in 0..1, bright bone; ``spacing_mm`` is ``None`` where the file does not tell it.

    Raises:
        RefusedError: if the file cannot be read, or holds no PA chest radiograph.

    Examples:
        >>> read("film.dcm").kind  # doctest: +SKIP
        'radiograph'
    """
    return _default.read(path)


def read_many(
    paths: Iterable[Path], ahead: int = 2, decoder: Decoder | None = None
) -> Iterator[tuple[str, Image | RefusedError]]:
    """Read films in order, decoding the next ones while the caller works on one.

    At most ``ahead + 1`` decoded films exist at a time, however many paths there are.

    Args:
        paths: files; taken from the iterable as they are needed.
        ahead: how many films to decode in advance.
        decoder: which decoder to use; the shared one if ``None``.

    Yields:
        The path as given and its image, or why it was refused.

    Raises:
        UsageError: if ``ahead`` is negative.
    """
    if ahead < 0:
        raise UsageError(f"cannot read {ahead} films ahead; give 0 or more")
    reader = decoder or _default
    waiting: deque[tuple[str, Future[Image | RefusedError]]] = deque()
    pool = ThreadPoolExecutor(1, "konio-read")
    try:
        for path in paths:
            name = os.fspath(path)
            waiting.append((name, pool.submit(_attempt, reader, name)))
            if len(waiting) > ahead:
                yield _next(waiting)
        while waiting:
            yield _next(waiting)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _next(
    waiting: deque[tuple[str, Future[Image | RefusedError]]],
) -> tuple[str, Image | RefusedError]:
    name, future = waiting.popleft()
    return name, future.result()


def _attempt(decoder: Decoder, path: str) -> Image | RefusedError:
    try:
        return decoder.read(path)
    except RefusedError as refusal:
        return refusal
