"""Pruning of the channels that clean rows do not use."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from training.repair.common.activity import pruning_curve
from training.repair.common.base import Repair
from training.repair.common.bench import Bench
from training.repair.common.channels import Cuts, cut, tell


class Pruning(Repair):
    """Cut the channels of one convolution that the trusted rows use least, until those lose accuracy.

    What clean images leave idle may be what the trigger uses. The channels are put in the order of their mean
    activation on the trusted rows, and cut one by one until the accuracy on those has dropped by more than
    `drop`, as the laboratories of BadNets do it: the last one costs more than the drop. A cut channel gives
    zero: its kernel and bias are zero, and so are scale, shift and moving mean of the batch norm behind it.
    The whole curve stands beside the model.

    Attributes
    ----------
    layer : str
        The convolution, by its name in the network. Without one it is the last before `features`.
    drop : float
        Accuracy whose loss ends it, as a share of the trusted rows: 0.04 is four points. The laboratories
        take .02, .04, .1 and .3.
    """

    title = "channel pruning"
    source = (
        "Liu, Dolan-Gavitt & Garg: Fine-Pruning. RAID 2018, section 4.1; drops of the BadNets laboratories"
    )
    assumes = "the trigger uses channels of one convolution that clean images leave idle"
    costs = "seconds, some trusted rows, and somewhat more accuracy than the drop"
    fails = (
        "triggers whose channels clean images use too: on Fashion-MNIST it leaves blended at full strength, "
        "and a part of a patch's success"
    )
    trusted_per_class: ClassVar[int] = 10

    kind: Literal["pruning"] = "pruning"
    layer: str = ""
    drop: float = Field(default=0.04, ge=0, lt=1)

    def repair(self, model: Any, bench: Bench) -> Any:
        """Return the model without the channels.

        Raises
        ------
        ConfigError
            If there is no such convolution.
        """
        cut(model, idle(model, bench, self.layer, self.drop))
        return model


def idle(model: Any, bench: Bench, layer: str, drop: float) -> Cuts:
    """Return the channels that are cut when the trusted rows have lost more than `drop`; note the curve."""
    curve = pruning_curve(model, layer, bench.trusted)
    (channels,) = bench.cluster.share([curve.cut_until(drop)])  # only the chief's model has learned
    cuts = {curve.layer: channels}
    tell(bench, cuts, layer=curve.layer, of=len(channels), curve=curve.note())
    return cuts
