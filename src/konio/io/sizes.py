"""How large a film may be, checked before any memory is asked for.

GBZ 70-2015 appendix F asks for at least 2048 x 2048 pixels of at most 0.2 mm; detectors in use have 3000 x 3000,
film scanners up to about 5000 x 6000. `MAX_PIXELS` leaves room above them.
"""

from __future__ import annotations

from typing import Final

from konio.errors import RefusedError

MAX_PIXELS: Final = 40_000_000
MAX_FILE_BYTES: Final = 512 * 1024 * 1024
MIN_SIDE: Final = 128  # below this no small opacity of any size can be told from noise


def check_size(rows: int, columns: int) -> None:
    """Refuse a grid that no radiograph has.

    Raises:
        RefusedError: ``bad-header`` on no pixels, ``too-large``, ``too-small``.
    """
    detail = f"{rows} x {columns} pixels"
    if rows < 1 or columns < 1:
        raise RefusedError("bad-header", detail)
    if rows * columns > MAX_PIXELS:
        raise RefusedError("too-large", detail)
    if min(rows, columns) < MIN_SIDE:
        raise RefusedError("too-small", detail)
