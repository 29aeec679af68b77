"""The decoding process: one line in (a question and a path), pixels into shared memory, one line of JSON out.

Started by `konio.io.decoder` and by nobody else. It limits its own memory before it opens the first file, and
imports neither torch nor anything else that decoding does not need.
"""

from __future__ import annotations

import contextlib
import gc
import json
import mmap
import os
import resource
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Final

from konio.errors import RefusedError

#: From a path and what gives memory for pixels to something whose ``facts()`` are the answer.
Question = Callable[[str, Callable[[int], memoryview]], Any]

_KEPT_BYTES: Final = 64 * 2**20  # shared memory that stays from film to film


def main(shared: int, shared_bytes: int, memory_bytes: int) -> None:
    """Answer requests until standard input ends.

    Args:
        shared: file descriptor of the memory that takes the pixels.
        shared_bytes: its size.
        memory_bytes: private memory the process may use above what it needs to start.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    answers = _private_stdout()
    warnings.simplefilter("ignore")  # odd headers are told by refusals, not by warnings
    from konio.io import ct_slice, film

    questions = {
        "film": film.open_film,
        "slice": ct_slice.open_slice,
        "header": ct_slice.open_facts,
    }
    area = mmap.mmap(shared, shared_bytes)
    _limit_memory(memory_bytes)
    _answer(answers, {"ready": os.getpid()})
    for line in sys.stdin.buffer:
        _give_back(area)  # the parent has copied the last film before it asks for the next
        question, _, name = line.decode().strip().partition(" ")
        _answer(answers, _work(questions[question], os.fsdecode(bytes.fromhex(name)), area))


def _work(question: Question, path: str, area: mmap.mmap) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = question(path, lambda size: memoryview(area)[:size]).facts()
    except RefusedError as error:
        return {"refused": [error.code, error.detail]}
    except MemoryError:
        gc.collect()
        return {"refused": ["decode-limit", "memory"]}
    except Exception as error:
        return {"refused": ["decode-failed", type(error).__name__]}
    return facts


def _give_back(area: mmap.mmap) -> None:
    """Return the memory of an unusually large film to the system."""
    if hasattr(mmap, "MADV_REMOVE") and len(area) > _KEPT_BYTES:
        with contextlib.suppress(OSError):
            area.madvise(mmap.MADV_REMOVE, _KEPT_BYTES, len(area) - _KEPT_BYTES)


def _answer(stream: BinaryIO, message: dict[str, Any]) -> None:
    stream.write(json.dumps(message).encode() + b"\n")
    stream.flush()


def _private_stdout() -> BinaryIO:
    """The answer stream on a descriptor of its own, so that nothing a C library prints can get into it."""
    own = os.dup(1)
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    os.close(silent)
    return os.fdopen(own, "wb")


def _limit_memory(allowance: int) -> None:
    """Cap private memory (RLIMIT_DATA: heap and anonymous maps; code and shared pixels do not count)."""
    used = 0
    with contextlib.suppress(OSError, ValueError, StopIteration):
        status = Path("/proc/self/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmData"))
        used = int(line.split()[1]) * 1024
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_DATA, (used + allowance, used + allowance))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
