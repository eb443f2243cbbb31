"""STRIP: what a trigger's row is called stays, whatever image is laid over it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from training.architectures.common.base import LOGITS
from training.architectures.common.inside import through, ways_to_logits
from training.inference.common.refusing import Refusing, Scores, numbers_of
from training.labeled import Labeled

_EPSILON = 1e-12


class Strip(Refusing):
    """Refuse a row whose class stays the same when trusted images are laid over it.

    To each image `images` trusted ones are added, value by value, up to white. The entropy of the answers
    (over the classes, mean over the blends) is low where something in the image outweighs whatever is laid
    over it. A row is refused where it is lower than those of all but `frr` of the trusted rows that are in no
    blend.

    What departs from the paper:

    * The trusted images that are laid over are few, the same for every row, and part of the model: its
      answer is always the same. They are drawn by `seed`. The paper draws 100 anew for each row.
    * The threshold is a quantile of trusted rows' own entropies. The paper takes one of a normal
      distribution with their mean and deviation, which entropies do not have.
    * Values are added up to 255, as the authors' code does it. `blend = "mean"` takes half of each image,
      as ART does it, which leaves half of a patch's contrast.

    ART's own (`art.defences.transformer.poisoning.STRIP`) takes the entropy over the blends of each class,
    which is another number.

    Parameters
    ----------
    images : int
        How many trusted images are laid over each.
    blend : str
        `sum` or `mean`.
    seed : int
        Says which.
    """

    title = "STRIP"
    source = "Gao et al. 2019, STRIP, sections IV-V (ACSAC)"
    assumes = "the trigger is on the image, not on most of it, and outweighs what is laid over it"
    costs = "one pass of the model for each image laid over; trusted rows: those, and 1 / frr others"
    fails = "triggers that win on some images only, as those of clean-label attacks: of SIG's it refused none"
    example: ClassVar[Mapping[str, Any]] = {"images": 4}

    kind: Literal["strip"] = "strip"
    images: int = Field(default=16, ge=2, le=100)
    blend: Literal["sum", "mean"] = "sum"
    seed: int = Field(default=0, ge=0)

    @property
    def trusted_rows(self) -> int:
        """As many as are laid over, and as many as set a threshold."""
        return self.images + super().trusted_rows

    def suspicion(self, model: Any, trusted: Labeled) -> tuple[Any, Scores]:
        """Return less the entropy, and that of the trusted rows that are laid over nothing."""
        rows = np.random.default_rng(self.seed).permutation(len(trusted.y))
        over, others = np.sort(rows[: self.images]), np.sort(rows[self.images :])
        if not len(others):
            return model.inputs[0], np.zeros(0)
        score = -_entropy(model, np.asarray(trusted.x[over]), 1.0 if self.blend == "sum" else 0.5)
        clean = numbers_of(model.inputs[0], score, np.asarray(trusted.x[others]))
        return score, clean.astype(np.float64)


def _entropy(model: Any, over: Any, share: float) -> Any:
    """Return float32[N], the mean entropy in bits of the answers to blends with uint8[n, H, W, C]."""
    from keras import ops

    images, shape = model.inputs[0], model.input_shape[1:]
    blends = ops.reshape(_blended(images, over, share), (-1, *shape))
    logits = through(images, blends, ways_to_logits(model)[LOGITS])
    answers = ops.softmax(ops.reshape(ops.cast(logits, "float32"), (-1, len(over), logits.shape[-1])))
    bits = -ops.sum(answers * ops.log2(answers + _EPSILON), axis=-1)
    return ops.mean(bits, axis=-1)


def _blended(images: Any, over: Any, share: float) -> Any:
    """Return uint8[N, n, H, W, C]: a share of each of N images and of each of n; a half rounds to even."""
    from keras import layers, ops

    added = layers.EinsumDense(
        "bhwc,n->bnhwc",
        output_shape=(len(over), *images.shape[1:]),
        bias_axes="nhwc",
        trainable=False,
        dtype="float32",
    )
    blends = added(ops.cast(images, "float32"))
    added.set_weights([np.full(len(over), share, np.float32), share * over.astype(np.float32)])
    return ops.cast(ops.minimum(ops.round(blends), 255), "uint8")
