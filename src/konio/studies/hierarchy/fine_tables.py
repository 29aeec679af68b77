"""Classical classifiers on what the networks looked at, ours and the thesis' side by side (table 3.1)."""

from __future__ import annotations

from collections.abc import Mapping

from konio.features.reduce import THESIS_COMPONENTS
from konio.report.words import Words
from konio.studies.cells import empty, spread, text
from konio.studies.hierarchy.figures import NAMES
from konio.studies.hierarchy.results import Fine, Results
from konio.studies.hierarchy.tables import also, over_seeds
from konio.studies.reported import read
from konio.studies.tables import Column, Heading, Row, Table


def fine_features(found: Mapping[int, Results], fine: Mapping[int, Mapping[str, Fine]]) -> Table:
    """Classical classifiers on what the networks looked at, over the seeds (table 3.1)."""
    printed = read("hierarchy")
    names = {
        "logistic": Words("Logistic, C as L2 coefficient", "逻辑回归，C 为 L2 系数"),
        "logistic-as-printed": Words("Logistic, C as printed", "逻辑回归，C 按字面"),
        "svm": Words("SVM, C as L2 coefficient", "SVM，C 为 L2 系数"),
        "svm-as-printed": Words("SVM, C as printed", "SVM，C 按字面"),
        "forest": Words("Random forest", "随机森林"),
    }
    rows: list[Row] = []
    for of, heading in (
        ("four", Words("Features of the four-class network", "四分类网络的特征")),
        ("two", Words("Features of the level that decided", "作出决定的那一级的特征")),
    ):
        rows.append(Heading(heading))
        for name, words in names.items():
            cells = [
                spread(_recalls(fine, f"{of}-{form}", name, components), 2)
                for form in ("flattened", "pooled")
                for components in THESIS_COMPONENTS
            ]
            path = f"table-3-1.{name.removesuffix('-as-printed')}"
            path = path if of == "four" else "table-3-1.svm_two_level" if "svm" in name else "-"
            rows.append((text(words), *cells, printed.cell(path, 4)))
    rows.append(Heading(Words("The networks themselves", "网络本身")))
    blank = [empty()] * (2 * len(THESIS_COMPONENTS) - 1)
    for name in (*next(iter(found.values())).networks, "two_level_cut_cost"):
        runs = [{**own.networks, **own.two_levels}[name].macro_recall for own in found.values()]
        value = spread(runs, 2)
        rows.append((text(NAMES[name]), value, *blank, printed.cell(f"table-3-1.{name}", 4)))
    flat, pool = Words("flattened (thesis)", "展平（论文）"), Words("pooled (SCDA)", "池化（SCDA）")
    return Table(
        Words("Macro-recall of classical classifiers on fine-grained features", "细粒度特征上经典分类器的宏查全率"),
        (
            Column(Words("classifier", "分类器")),
            *(Column(f"{k}", flat) for k in THESIS_COMPONENTS),
            *(Column(f"{k}", pool) for k in THESIS_COMPONENTS),
            Column(Words("16 components", "16 个主成分"), Words("thesis", "论文"), published=True),
        ),
        tuple(rows),
        footnotes=printed.footnotes,
        note=also(
            Words(
                "Columns: number of principal components. Components and classifiers are fitted on the training part alone; "
                "the class whose maps are selected is the network's own answer.",
                "列为主成分个数。主成分与分类器仅在训练部分拟合；所选特征图取自网络自身的预测类别。",
            ),
            over_seeds(found),
        ),
        name="table-3-1",
    )  # fmt: skip


def _recalls(
    fine: Mapping[int, Mapping[str, Fine]], features: str, classifier: str, components: int
) -> list[float]:
    """Macro-recall of a classifier, one for each seed that has these features."""
    return [
        float(own[features].scores(classifier, components)["macro_recall"])
        for own in fine.values()
        if features in own
    ]
