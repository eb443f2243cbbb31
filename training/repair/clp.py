"""Pruning of the channels that can amplify most, without any data."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from training.repair.common.base import Repair
from training.repair.common.bench import Bench
from training.repair.common.channels import cut, pairs_of, tell
from training.repair.common.lipschitz import above_mean, channel_lipschitz


class Clp(Repair):
    """Cut the channels whose Lipschitz bound stands out in their layer; no row is looked at.

    A trigger is small and has to move the answer far, so some channel has to answer strongly to a little. Of
    each convolution that a batch norm follows, the channels are cut whose bound lies more than `u` standard
    deviations above the layer's mean. A cut channel gives zero.

    Attributes
    ----------
    u : float
        In standard deviations. Zheng et al. take 3 for ResNet-18 on CIFAR-10. A layer of C channels cannot
        have one further out than (C - 1) / sqrt(C): 2.8 of 10, 5.5 of 32.
    """

    title = "channel Lipschitz pruning (CLP)"
    source = (
        "Zheng, Tang, Li & Liu: Data-free Backdoor Removal based on Channel Lipschitzness. ECCV 2022, "
        "section 4; published u = 3"
    )
    assumes = "batch norms after the convolutions, and a trigger that a few channels answer to strongly"
    costs = "a second, and no rows; accuracy where `u` is low"
    fails = (
        "networks of few channels, where no channel stands out: of the network `small` it cuts none after a "
        "patch or blended, and with a lower `u` others than the trigger needs"
    )

    kind: Literal["clp"] = "clp"
    u: float = Field(default=3.0, gt=0, le=100)

    def repair(self, model: Any, bench: Bench) -> Any:
        """Return the model without these channels.

        Raises
        ------
        ConfigError
            If no convolution has a batch norm after it.
        """
        pairs_of(model, self.kind)
        far = {name: above_mean(bounds) for name, bounds in channel_lipschitz(model).items()}
        cuts = {name: z > self.u for name, z in far.items()}
        cut(model, cuts)
        tell(bench, cuts, furthest=max(float(z.max()) for z in far.values()))
        return model
