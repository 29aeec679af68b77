"""Nodule networks as bundles: one kind, built from its plan, checked against this konio's questions."""

from __future__ import annotations

from typing import Final

import torch

from konio.errors import BundleError, RecordError, UsageError
from konio.networks.bundle import Bundle, tasks_json
from konio.networks.nodule import NoduleNetwork, NodulePlan, build_nodule_network

#: Kind of the bundles that `nodule_network` builds.
NODULE: Final = "nodule-multitask"


def nodule_network(bundle: Bundle) -> NoduleNetwork:
    """The network of a bundle, in evaluation mode.

    Raises:
        BundleError: if the bundle is of another kind, asks other questions or its weights do not fit its plan.
    """
    facts = bundle.facts
    if facts.kind != NODULE:
        raise BundleError(
            f"bundle {facts.name!r} is a {facts.kind!r}, not a {NODULE!r}; choose another model"
        )
    try:
        plan = NodulePlan.from_json(facts.architecture)
    except (RecordError, UsageError, TypeError) as error:
        raise BundleError(f"bundle {facts.name!r} cannot be built: {error}") from error
    if dict(facts.tasks) != tasks_json(plan.task_set):
        raise BundleError(
            f"bundle {facts.name!r} answers with other classes than this konio knows; use the konio that wrote it"
        )
    with torch.device("meta"):
        network = build_nodule_network(plan)
    try:
        network.load_state_dict(dict(bundle.weights), assign=True)
    except RuntimeError as error:
        raise BundleError(
            f"the weights of {facts.name!r} do not fit their plan "
            f"({str(error).splitlines()[-1].strip()}); get the bundle again"
        ) from error
    return network.eval()
