"""Classical classifiers in files: skops, a zip of JSON and plain arrays.

Nothing is unpickled, and a file that names a type beyond scikit-learn's own is refused before anything in it is built.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from konio.errors import BundleError
from konio.features.classifiers import Classifier

#: A kept classifier says which scikit-learn wrote it and what it holds.
_FORMAT: Final = "konio.classifier/1"
#: Largest file that is opened, bytes unpacked; a forest of 500 trees over 3,300 cases has some ten megabytes.
_LARGEST: Final = 1 << 29
#: Beyond what skops trusts by itself: the arrays inside a random forest and inside its random state.
_TRUSTED: Final = frozenset({"sklearn.tree._tree.Tree"})


def save(classifier: Classifier, path: str | Path) -> Path:
    """Keeps a classifier in one skops file (a zip of JSON and arrays, no pickle).

    Args:
        classifier: from `fit`.
        path: file to write, usually ``*.skops``; folders are made.
    """
    import sklearn
    from skops import io

    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "format": _FORMAT,
        "scikit_learn": sklearn.__version__,
        "kind": classifier.kind,
        "classes": classifier.classes,
        "width": classifier.width,
        "temperature": float(classifier.temperature),
        "settings": dict(classifier.settings),
        "estimator": classifier.estimator,
    }
    io.dump(content, target)
    return target


def load(path: str | Path) -> Classifier:
    """Opens what `save` kept, after checking every type it names.

    Raises:
        BundleError: if the file is missing, damaged, too large, of another kind or of another scikit-learn, or names a
            type that a classifier has no business with.
    """
    from skops import io

    source = Path(path)
    _check_size(source)
    reader = partial(_refusing, source)
    strangers = sorted(set(reader(io.get_untrusted_types, file=source)) - _TRUSTED)
    if strangers:
        raise BundleError(
            f"{source.name} holds {', '.join(strangers[:3])}, which no classifier needs; do not open it"
        )
    content = reader(io.load, source, trusted=sorted(_TRUSTED))
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise BundleError(f"{source.name} is no classifier of konio; give a file written by save")
    _check_version(source, str(content["scikit_learn"]))
    names = ("kind", "estimator", "classes", "width", "temperature", "settings")
    return Classifier(**{name: content[name] for name in names})


def _check_size(source: Path) -> None:
    if not zipfile.is_zipfile(source):
        raise BundleError(
            f"{source} is missing or no skops file; give a file written by konio.features.save"
        )
    with zipfile.ZipFile(source) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > _LARGEST:
        raise BundleError(
            f"{source.name} would unpack to {size} bytes, more than {_LARGEST}; do not open it"
        )


def _check_version(source: Path, written: str) -> None:
    import sklearn

    if written.split(".")[:2] != sklearn.__version__.split(".")[:2]:
        raise BundleError(
            f"{source.name} was written with scikit-learn {written}, here is {sklearn.__version__}; fit it again"
        )


def _refusing(source: Path, read: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Reads, and turns whatever a damaged file makes skops raise into one sentence."""
    try:
        return read(*args, **kwargs)
    except Exception as error:
        raise BundleError(
            f"{source.name} cannot be read as a classifier ({type(error).__name__}); fit it again"
        ) from error
