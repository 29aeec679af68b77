"""Scores: counts and rates, ordered classes, rankings, calibration. No intervals; see `konio.significance`."""

from konio.metrics.calibration import (
    Reliability,
    brier_loss,
    expected_calibration_error,
    fit_temperature,
    log_loss,
    reliability,
    softmax,
)
from konio.metrics.counts import (
    ClassScores,
    accuracy,
    balanced_accuracy,
    class_scores,
    confusion,
    macro_f1,
    macro_precision,
    macro_recall,
    macro_specificity,
    matthews_correlation,
    relative_gain,
    weighted_f1,
)
from konio.metrics.ordinal import (
    off_by_two_rate,
    ordinal_mae,
    over_rate,
    quadratic_weighted_kappa,
    under_rate,
)
from konio.metrics.ranking import hand_till_auc, one_vs_rest_auc, roc_auc, roc_curve

__all__ = [
    "ClassScores",
    "Reliability",
    "accuracy",
    "balanced_accuracy",
    "brier_loss",
    "class_scores",
    "confusion",
    "expected_calibration_error",
    "fit_temperature",
    "hand_till_auc",
    "log_loss",
    "macro_f1",
    "macro_precision",
    "macro_recall",
    "macro_specificity",
    "matthews_correlation",
    "off_by_two_rate",
    "one_vs_rest_auc",
    "ordinal_mae",
    "over_rate",
    "quadratic_weighted_kappa",
    "relative_gain",
    "reliability",
    "roc_auc",
    "roc_curve",
    "softmax",
    "under_rate",
    "weighted_f1",
]
