"""GoodNet: the model and a pruned one beside it, and no answer where the two do not agree."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from training.architectures.common.base import LOGITS
from training.architectures.common.inside import through, ways_to_logits
from training.inference.common.base import InferenceDefense
from training.inference.common.refusing import flat, refusing
from training.labeled import Labeled
from training.learning.activity import pruning_curve
from training.learning.channels import norms_of


class Goodnet(InferenceDefense):
    """Refuse a row that the model and a pruned one give to different classes.

    The laboratories of BadNets prune the channels of one convolution, those that the trusted rows use least
    first, until their accuracy has dropped by more than `drop`, as the repair `pruning` does it. Where the
    model and the pruned one agree, that is the answer; else it is a class of its own, here a refusal. Clean
    rows are refused as often as pruning changes their class: about `drop`, and more where the last channel
    costs much. Both are in one saved model, whose weights they share.

    Parameters
    ----------
    layer : str
        The convolution, by its name in the network. Without one it is the last before `features`.
    drop : float
        Accuracy whose loss ends the pruning, as a share of the trusted rows. The laboratories take .02, .04,
        .1 and .3.
    """

    title = "GoodNet"
    source = "laboratories of BadNets: Gu, Dolan-Gavitt, Garg 2017; pruning of Liu et al. 2018, section 4.1"
    assumes = "the trigger uses channels of one convolution that clean images leave idle"
    costs = "two passes of the model for an image; as many clean rows as the pruning changes"
    fails = (
        "triggers that use what clean images use: of images with a blended trigger it refused one of 100, of "
        "BadNets' 88, and 12 of 100 clean ones (drop .04, a small network)"
    )
    refuses = True

    kind: Literal["goodnet"] = "goodnet"
    layer: str = ""
    drop: float = Field(default=0.04, ge=0, lt=1)

    @property
    def trusted_rows(self) -> int:
        """As many as their accuracy can drop by `drop` with."""
        return round(1 / self.drop) if self.drop else 1

    def wrap(self, model: Any, trusted: Labeled) -> Any:
        """Return the model with its pruned one beside it.

        Raises
        ------
        ConfigError
            If there is no such convolution.
        """
        from keras import layers, ops

        laid = flat(model)
        curve = pruning_curve(laid, self.layer, trusted)
        kept = layers.Rescaling((~curve.cut_until(self.drop)).astype(float).tolist())
        end = norms_of(laid)[curve.layer] or curve.layer
        images, logits = laid.inputs[0], ways_to_logits(laid)[LOGITS]
        pruned = through(images, images, logits, lambda name, out: kept(out) if name == end else out)
        return refusing(laid, ops.argmax(logits, axis=-1) != ops.argmax(pruned, axis=-1))
