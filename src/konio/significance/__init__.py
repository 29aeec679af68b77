"""How sure a number is: intervals, paired tests, corrections for many tests."""

from konio.significance.bootstrap import Bootstrap, patient_bootstrap
from konio.significance.clustered import (
    clustered_delong_interval,
    clustered_mcnemar,
    clustered_mean_share,
    clustered_wilson,
)
from konio.significance.crossed import crossed_bootstrap
from konio.significance.delong import DelongTest, delong_interval, delong_test
from konio.significance.folds import (
    RocBand,
    fold_interval,
    nadeau_bengio_factor,
    nadeau_bengio_interval,
    nadeau_bengio_p,
    roc_band,
)
from konio.significance.intervals import Interval, t_interval, two_sided_p, wilson
from konio.significance.paired import (
    McNemar,
    PairedT,
    benjamini_hochberg,
    five_by_two_f,
    holm,
    mcnemar,
    paired_t,
    welch_interval,
    welch_p,
)

__all__ = [
    "Bootstrap",
    "DelongTest",
    "Interval",
    "McNemar",
    "PairedT",
    "RocBand",
    "benjamini_hochberg",
    "clustered_delong_interval",
    "clustered_mcnemar",
    "clustered_mean_share",
    "clustered_wilson",
    "crossed_bootstrap",
    "delong_interval",
    "delong_test",
    "five_by_two_f",
    "fold_interval",
    "holm",
    "mcnemar",
    "nadeau_bengio_factor",
    "nadeau_bengio_interval",
    "nadeau_bengio_p",
    "paired_t",
    "patient_bootstrap",
    "roc_band",
    "t_interval",
    "two_sided_p",
    "welch_interval",
    "welch_p",
    "wilson",
]
