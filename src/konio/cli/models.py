"""``konio models``: which bundles are there, what is in them, are they unaltered."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from konio.cli.terminal import complain, count_line, say
from konio.errors import BundleError

if TYPE_CHECKING:
    from konio.networks import Bundle

app = typer.Typer(help="List, show and verify models.", no_args_is_help=True)

_NAME: Final = typer.Argument(metavar="NAME|DIR", help="Name of a shipped model or its directory.")


def verified(path: Path) -> str:
    """SHA-256 of a bundle's weights, after they were checked against it and put into their network.

    Raises:
        BundleError: if something is missing, altered or does not fit, a cut point to its weights for instance.
    """
    from konio.networks import read_bundle

    bundle = read_bundle(path)
    try:
        opener = _OPENERS[bundle.facts.kind]
    except KeyError:
        raise BundleError(
            f"bundle {bundle.facts.name!r} is a {bundle.facts.kind!r}, which this konio does not know; "
            f"it knows {', '.join(_OPENERS)}: use the konio that wrote it"
        ) from None
    opener(bundle)
    return bundle.weights_sha256


def _open_multitask(bundle: Bundle) -> object:
    return bundle.network()


def _open_staging(bundle: Bundle) -> object:
    from konio.hierarchy import read_staging

    return read_staging(bundle)


def _open_nodule(bundle: Bundle) -> object:
    from konio.networks.nodule_bundle import nodule_network

    return nodule_network(bundle)


def _open_lungs(bundle: Bundle) -> object:
    from konio.lungs import load_segmenter

    return load_segmenter(bundle.path)


#: How a bundle of each kind is put into its network.
_OPENERS: Final[Mapping[str, Callable[[Bundle], object]]] = {
    "radiograph-multitask": _open_multitask,
    "radiograph-staging": _open_staging,
    "nodule-multitask": _open_nodule,
    "lungs-unet": _open_lungs,
}


@app.command("list", epilog="Example: konio models list")
def list_models() -> None:
    """List the models that came with konio: name, kind, questions, start of the weights' SHA-256."""
    from konio.networks import shipped_bundles

    shipped = shipped_bundles()
    for name, path in shipped.items():
        facts = json.loads((path / "bundle.json").read_text("utf-8"))
        questions = ", ".join(facts["tasks"]) or "no questions"
        say(f"{name}\t{facts['kind']}\t{facts['weights_sha256'][:12]}\t{questions}")
    if not shipped:
        complain("no model is installed beside konio; train one with konio train")


@app.command("show", epilog="Example: konio models show konio-radiograph")
def show(name: Annotated[str, _NAME]) -> None:
    """Print a model's card."""
    from konio.networks import find_bundle

    path = find_bundle(name) / "MODEL_CARD.md"
    try:
        say(path.read_text("utf-8").rstrip())
    except OSError as error:
        raise BundleError(
            f"{path} cannot be read ({error.strerror}); get the bundle again"
        ) from error


@app.command("verify", epilog="Example: konio models verify konio-radiograph")
def verify(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME|DIR", help="Shipped models or their directories.")
    ],
) -> int:
    """Check that a model's weights are the ones its description names and fit its network."""
    from konio.networks import find_bundle

    failed = 0
    for name in names:
        try:
            sha256 = verified(find_bundle(name))
        except BundleError as error:
            failed += 1
            complain(f"konio: {error}")
        else:
            say(f"{name}: unaltered, SHA-256 {sha256}")
    say(count_line(len(names) - failed, failed, "verified", "已核对", "en"))
    return int(failed > 0)
