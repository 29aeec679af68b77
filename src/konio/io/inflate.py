"""Random access to one zlib stream, so that a slab of a ``.zraw`` file does not cost the whole scan.

A zlib stream can only be read from its start. While it is read, the state of the decoder is kept every few
megabytes; the next slab begins at the last state before it. At most a mebibyte is inflated at once, so that a stream
that promises little and holds much costs no memory.
"""

from __future__ import annotations

import threading
import zlib
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from konio.errors import RefusedError

_PIECE_IN: Final = 1 << 18
_PIECE_OUT: Final = 1 << 20
#: Bytes of output between two kept states; a state is about 50 KiB.
_APART: Final = 4 << 20


@dataclass(slots=True)
class _State:
    """A decoder after ``made`` bytes of output: ``taken`` bytes of the file are read, ``rest`` of them still unused."""

    decoder: Any
    made: int
    taken: int
    rest: bytes

    def copy(self) -> _State:
        return _State(self.decoder.copy(), self.made, self.taken, self.rest)


class Inflated:
    """One zlib stream in a file, read by position.

    Args:
        path: the file.
        start: where the stream begins.
        size: bytes it must hold when inflated.
    """

    def __init__(self, path: Path, start: int, size: int) -> None:
        self._path, self._size = path, size
        self._kept = [_State(zlib.decompressobj(), 0, start, b"")]
        self._lock = threading.Lock()

    def into(self, target: memoryview, position: int) -> None:
        """Fill memory with the inflated bytes from a position on.

        Args:
            target: writable bytes.
            position: first byte, counted in the inflated stream.

        Raises:
            RefusedError: ``truncated`` if the stream ends early, ``decode-failed`` if it is no zlib stream.
        """
        with self._lock, self._path.open("rb") as file:
            index = bisect_right([state.made for state in self._kept], position) - 1
            state = self._kept[index].copy()
            file.seek(state.taken)
            end = position + len(target)
            while state.made < end:
                begun = state.made
                piece = self._next(state, file, min(_PIECE_OUT, end - begun))
                first = max(position - begun, 0)
                if first < len(piece):
                    target[begun + first - position : state.made - position] = piece[first:]
                if state.made >= self._kept[-1].made + _APART:
                    self._kept.append(state.copy())

    def _next(self, state: _State, file: BinaryIO, most: int) -> bytes:
        while True:
            if not state.rest:
                state.rest = file.read(_PIECE_IN)
                state.taken += len(state.rest)
            if not state.rest or state.decoder.eof:
                raise RefusedError("truncated", f"{state.made} of {self._size} bytes")
            try:
                piece = bytes(state.decoder.decompress(state.rest, most))
            except zlib.error as error:
                raise RefusedError("decode-failed", "no valid zlib stream") from error
            state.rest = state.decoder.unconsumed_tail
            if piece:
                state.made += len(piece)
                return piece
