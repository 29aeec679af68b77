"""How long a made-up film takes: every class and every form of tuberculosis, at 512 and at 1024 pixels.

Run: python benchmarks/phantom_times.py [--films 5] [--sizes 512 1024] [--seed 700]

Seconds of the processor that one process spends on one film, least, median and most over so many people. The people are the same
ones in every class. Wanted: at most 1 s at 512 pixels and 3 s at 1024, in every class.
"""

from __future__ import annotations

import argparse
import statistics
import time

from _machine import machine
from konio.phantom import FORM_WISHES, RECIPE, WISHES, radiograph

#: Wanted seconds at most, by size.
WANTED = {512: 1.0, 1024: 3.0}


def spent(seed: int, wish: str, size: int) -> float:
    """Processor time of one film."""
    start = time.process_time()
    radiograph(seed, wish, size)
    return time.process_time() - start


def table(size: int, films: int, seed: int) -> float:
    """Prints the times of one size; the longest of them all."""
    print(f"\n{size} x {size} pixels, seconds of the processor")
    print(f"{'':28}{'least':>8}{'median':>8}{'most':>8}")
    longest = 0.0
    for wish in (*WISHES, *FORM_WISHES):
        times = [spent(seed + number, wish, size) for number in range(films)]
        longest = max(longest, *times)
        print(f"  {wish:26}{min(times):8.2f}{statistics.median(times):8.2f}{max(times):8.2f}")
    return longest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--films", type=int, default=5, help="of each class")
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024])
    parser.add_argument("--seed", type=int, default=700)
    options = parser.parse_args()
    print(machine("scipy"))
    print(f"{RECIPE}, {options.films} films of each class, seeds from {options.seed}")
    radiograph(0, "healthy", min(options.sizes))  # what is imported and kept once does not count
    for size in options.sizes:
        longest = table(size, options.films, options.seed)
        wanted = f", wanted at most {WANTED[size]:g} s" if size in WANTED else ""
        print(f"longest: {longest:.2f} s{wanted}")


if __name__ == "__main__":
    main()
