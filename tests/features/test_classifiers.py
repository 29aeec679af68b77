"""Classifiers learn from their training part only, keep without pickle and refuse what they cannot use."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from konio.errors import BundleError, UsageError
from konio.features.classifier_files import load, save
from konio.features.classifiers import (
    KINDS,
    STRENGTHS,
    THESIS,
    fit,
    fit_wide,
    inverse_strength,
)


def clouds(n: int = 40, width: int = 6, classes: int = 3, seed: int = 1) -> tuple[Any, Any]:
    """Clouds of points, two units apart, on a scale of thousands with an offset."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    x = rng.normal(size=(n, width))
    x[:, 0] += 6 * y
    return 1000 * x - 300, y


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_kind_parts_what_can_be_parted_and_gives_probabilities(kind: str) -> None:
    x, y = clouds(90)
    model = fit(kind, x[:60], y[:60], seed=0)
    table = model.probabilities(x[60:])
    assert table.shape == (30, 3)
    assert np.allclose(table.sum(axis=1), 1)
    assert table.min() >= 0
    assert (model.predict(x[60:]) == y[60:]).mean() > 0.85
    assert model.probabilities(np.empty((0, 6))).shape == (0, 3)


@pytest.mark.parametrize("components", [None, 3])
@pytest.mark.parametrize("kind", list(KINDS))
def test_kept_and_opened_again_it_answers_the_same(
    kind: str, components: int | None, tmp_path: Path
) -> None:
    x, y = clouds()
    model = fit(kind, x, y, seed=4, components=components, classes=5)
    again = load(save(model, tmp_path / "deep" / "model.skops"))
    assert np.array_equal(again.probabilities(x), model.probabilities(x))
    assert dict(again.settings) == dict(model.settings)
    assert (again.kind, again.classes, again.width) == (kind, 5, 6)
    with zipfile.ZipFile(tmp_path / "deep" / "model.skops") as archive:
        assert not [name for name in archive.namelist() if "pkl" in name or "pickle" in name]


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_same_seed_gives_the_same_classifier(kind: str) -> None:
    x, y = clouds()
    first, second = (fit(kind, x, y, seed=3, components=2).probabilities(x) for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize("kind", list(KINDS))
def test_mean_spread_and_components_come_from_the_training_part_alone(kind: str) -> None:
    x, y = clouds(60)
    train = np.arange(60) < 40
    spoiled = x.copy()
    spoiled[~train] = np.nan  # whoever looks at a test case is refused or gets no number
    clean = fit(kind, x[train], y[train], seed=0, components=4)
    blind = fit(kind, spoiled[train], y[train], seed=0, components=4)
    pca, scaler = clean.estimator[0], clean.estimator[1]
    assert np.allclose(pca.mean_, x[train].mean(axis=0))
    assert not np.allclose(pca.mean_, x.mean(axis=0))
    projected = (x[train] - x[train].mean(axis=0)) @ pca.components_.T
    assert np.allclose(scaler.scale_, projected.std(axis=0))
    assert np.array_equal(clean.probabilities(x[~train]), blind.probabilities(x[~train]))


def test_standardisation_makes_the_unit_of_a_feature_irrelevant() -> None:
    x, y = clouds()
    scale = np.array([1, 1e-6, 1e3, 1, 1e-2, 7.0])
    for kind in KINDS:
        plain = fit(kind, x, y, seed=0).probabilities(x)
        other = fit(kind, x * scale + 5, y, seed=0).probabilities(x * scale + 5)
        assert np.allclose(plain, other, atol=1e-3), kind


def test_both_readings_of_the_thesis_c() -> None:
    """Dossier 0.4: 1e-4 as scikit-learn's C is close to a constant; as a coefficient it is C = 10,000."""
    assert inverse_strength(1e-4, "inverse") == 1e-4
    assert inverse_strength(1e-4, "penalty") == pytest.approx(1e4)
    assert inverse_strength(0.01, "penalty") == pytest.approx(100)
    x, y = clouds(90)
    y = np.where(y == 2, 1, y)  # twice as many of class 1
    svm = dict(THESIS["svm"])
    read = {r: fit("svm", x, y, seed=0, **{**svm, "reading": r}) for r in ("inverse", "penalty")}
    assert set(read["inverse"].predict(x)) == {1}
    assert (read["penalty"].predict(x) == y).mean() > 0.95
    strength = read["penalty"].estimator[-1].C
    assert strength == pytest.approx(1e4)


def test_the_forest_of_the_thesis() -> None:
    x, y = clouds()
    forest = fit("forest", x, y, seed=0, **THESIS["forest"]).estimator[-1]
    assert (forest.n_estimators, forest.min_samples_split, forest.min_samples_leaf) == (20, 3, 3)


def test_a_class_that_training_never_saw_has_no_probability() -> None:
    x, y = clouds(40, classes=2)
    for kind in KINDS:
        table = fit(kind, x, y * 2, seed=0, classes=4).probabilities(x)
        assert table.shape == (40, 4)
        assert np.all(table[:, [1, 3]] == 0)
        assert np.allclose(table.sum(axis=1), 1)


@given(seed=st.integers(0, 50), classes=st.integers(2, 4))
@settings(max_examples=8)
def test_what_a_support_vector_machine_predicts_is_its_most_probable_class(
    seed: int, classes: int
) -> None:
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(24, 3)), np.arange(24) % classes
    model = fit("svm", x, y, seed=seed, gamma=0.5)
    assert np.array_equal(model.estimator.predict(x), model.predict(x))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "oracle"}, "logistic, svm, forest"),
        ({"gamma": 3}, "does not take"),
        ({"c": 0}, "positive"),
        ({"reading": "mirror"}, "inverse"),
        ({"components": 7}, "1 to 6 components"),
        ({"components": 0}, "1 to 6 components"),
        ({"x": np.full((40, 6), np.nan)}, "finite"),
        ({"x": np.ones(40)}, "table"),
        ({"x": np.ones((40, 0))}, "table"),
        ({"y": np.zeros(40)}, "two classes"),
        ({"y": np.full(40, -1)}, "class positions"),
        ({"y": np.arange(39) % 2}, "as many labels"),
        ({"classes": 2}, "class positions"),
    ],
)
def test_nonsense_is_refused(change: dict[str, Any], message: str) -> None:
    x, y = clouds()
    given = {"kind": "logistic", "x": x, "y": y, **change}
    with pytest.raises(UsageError, match=message):
        fit(given.pop("kind"), given.pop("x"), given.pop("y"), seed=0, **given)


def test_options_out_of_range_are_refused() -> None:
    x, y = clouds()
    for kind, options in (
        ("svm", {"gamma": -1}),
        ("svm", {"gamma": "auto"}),
        ("forest", {"trees": 0}),
        ("forest", {"split": 1}),
        ("svm", {"components": 21}),
    ):
        with pytest.raises(UsageError):
            fit(kind, x, y, seed=0, **options)
    with pytest.raises(UsageError, match="one case"):
        fit("svm", x, np.r_[0, np.ones(39)], seed=0)
    model = fit("logistic", x, y, seed=0)
    with pytest.raises(UsageError, match="table of 6"):
        model.predict(np.ones((3, 5)))
    with pytest.raises(UsageError, match="finite"):
        model.predict(np.full((1, 6), np.inf))


def test_a_file_that_names_another_type_is_refused(tmp_path: Path) -> None:
    from skops import io

    io.dump({"format": "konio.classifier/1", "estimator": Path("x")}, tmp_path / "bad.skops")
    with pytest.raises(BundleError, match="no classifier needs"):
        load(tmp_path / "bad.skops")
    io.dump({"format": "other"}, tmp_path / "other.skops")
    with pytest.raises(BundleError, match="no classifier of konio"):
        load(tmp_path / "other.skops")


def test_damaged_and_foreign_files_are_refused(tmp_path: Path) -> None:
    x, y = clouds()
    kept = save(fit("forest", x, y, seed=0, trees=3), tmp_path / "model.skops")
    with pytest.raises(BundleError, match="missing"):
        load(tmp_path / "absent.skops")
    (tmp_path / "cut.skops").write_bytes(kept.read_bytes()[:500])
    with pytest.raises(BundleError, match="no skops file"):
        load(tmp_path / "cut.skops")
    with zipfile.ZipFile(tmp_path / "empty.skops", "w") as archive:
        archive.writestr("notes.txt", "nothing")
    with pytest.raises(BundleError, match="cannot be read"):
        load(tmp_path / "empty.skops")


def test_another_scikit_learn_is_refused(tmp_path: Path) -> None:
    x, y = clouds()
    kept = save(fit("logistic", x, y, seed=0), tmp_path / "model.skops")
    old = tmp_path / "old.skops"
    with zipfile.ZipFile(kept) as source, zipfile.ZipFile(old, "w") as target:
        for name in source.namelist():
            text = source.read(name)
            if name == "schema.json":
                import sklearn

                version = json.dumps(json.dumps(sklearn.__version__)).encode()
                assert version in text
                text = text.replace(version, json.dumps(json.dumps("0.99.1")).encode())
            target.writestr(name, text)
    with pytest.raises(BundleError, match="fit it again"):
        load(old)


def test_a_file_that_would_fill_the_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = clouds()
    kept = save(fit("logistic", x, y, seed=0), tmp_path / "model.skops")
    monkeypatch.setattr("konio.features.classifier_files._LARGEST", 100)
    with pytest.raises(BundleError, match="unpack"):
        load(kept)


def _wide(n: int, seed: int, classes: int = 2) -> tuple[Any, Any]:
    """Two hundred features on all scales, ten of which say a little about the class."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % classes
    x = rng.normal(size=(n, 200))
    x[:, :10] += 1.2 * y[:, None]
    return x * np.logspace(-3, 3, 200), y


def test_a_wide_table_is_fitted_as_if_it_were_not_turned() -> None:
    """The turn into the cases' directions changes nothing: the same strength fitted directly answers the same."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    (x, y), (new, _) = _wide(60, 1), _wide(20, 2)
    model = fit_wide(x, y, seed=0)
    assert model.settings["c"] in STRENGTHS
    plain = make_pipeline(
        StandardScaler(), LogisticRegression(C=model.settings["c"], max_iter=5000, tol=1e-8)
    ).fit(x, y)
    np.testing.assert_allclose(model.probabilities(new), plain.predict_proba(new), atol=2e-3)


def test_the_strength_is_chosen_inside_and_helps_on_new_cases(tmp_path: Path) -> None:
    (x, y), (new, truth) = _wide(80, 3), _wide(300, 4)
    chosen = fit_wide(x, y, seed=0)
    assert (chosen.predict(new) == truth).mean() > 0.75
    noise = np.random.default_rng(5).normal(size=(80, 200))
    assert fit_wide(noise, y, seed=0).settings["c"] < chosen.settings["c"]
    again = load(save(chosen, tmp_path / "wide.skops"))
    assert np.array_equal(again.probabilities(new), chosen.probabilities(new))


def test_classes_that_are_not_there_have_no_probability_and_single_cases_are_refused() -> None:
    x, y = _wide(60, 6)
    said = fit_wide(x, y * 2, seed=0, classes=4).probabilities(x)
    assert said.shape == (60, 4)
    assert said[:, [1, 3]].max() == 0
    with pytest.raises(UsageError, match="two of each"):
        fit_wide(x[:7], [0, 0, 0, 0, 0, 0, 1], seed=0)
