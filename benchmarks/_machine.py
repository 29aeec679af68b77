"""Which machine and which versions measured: the lines every benchmark prints before its figures."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

#: Always named; a benchmark names what else its figures depend on.
_PACKAGES = ("konio", "torch", "numpy")


def machine(*packages: str, network: bool = False) -> str:
    """Processor, cores, load, system, versions, arithmetic where a network runs, and the command.

    Args:
        packages: distributions to name beside konio, torch and NumPy.
        network: a network is going to run, though torch is not imported yet.
    """
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    lines = [
        f"{_processor()}, {os.cpu_count()} cores, load {load}, {platform.platform()}",
        ", ".join(
            [f"Python {platform.python_version()}"]
            + [f"{name} {version(name)}" for name in (*_PACKAGES, *packages)]
        ),
    ]
    if network or "torch" in sys.modules:
        lines.append(_arithmetic())
    lines.append(f"command: {_command()}")
    return "\n".join(lines)


def _processor() -> str:
    """Name of the processor; `platform.processor` is empty on most Linux systems."""
    table = Path("/proc/cpuinfo")
    for line in table.read_text(encoding="utf-8").splitlines() if table.exists() else ():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _arithmetic() -> str:
    import torch

    from konio.networks.precision import fastest_dtype

    gpu = f"; {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    fastest = str(fastest_dtype("cpu")).removeprefix("torch.")
    return f"{torch.get_num_threads()} threads, fastest format of the processor {fastest}{gpu}"


def _command() -> str:
    """As it was typed from the root of the repository."""
    script = Path(sys.argv[0])
    name = f"benchmarks/{script.name}" if script.parent == Path(__file__).parent else sys.argv[0]
    return " ".join(["python", name, *sys.argv[1:]])
