"""``python -m konio.engine.worker``: one process of the local engine.

Orders come in as lines of JSON, one reply line goes out for each. Whatever the work itself prints goes to
standard error. When the other side is gone, however it went, this process ends too.
"""

from __future__ import annotations

import ctypes
import gc
import json
import logging
import os
import queue
import sys
import threading
import warnings

from konio.engine.contract import attempt


def main() -> None:
    """Work until there is nobody left to work for."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    # What libraries remark about themselves is no result, and nobody reads it once for each of a hundred trials.
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    orders: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(orders,), daemon=True).start()
    while True:
        order = json.loads(orders.get())
        replies.write(_written(attempt(order["function"], order["item"])) + "\n")
        replies.flush()
        _give_back()


def _give_back() -> None:
    """What a piece of work leaves behind goes back to the system, so that a hundred of them need no more memory than one.

    Trainers and loggers hold one another in circles that Python collects late, since they are few objects with much memory below;
    and the C library keeps what was freed in small pieces until it is asked.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def _listen(orders: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        orders.put(line)
    # The engine is gone or wants no more: a half-done item is worth nothing, its traces on disk are kept whole.
    os._exit(0)


def _written(reply: dict[str, object]) -> str:
    try:
        return json.dumps(reply)
    except (TypeError, ValueError) as error:
        return json.dumps({"failure": f"the result is no JSON ({error}); return plain data"})


if __name__ == "__main__":
    main()
