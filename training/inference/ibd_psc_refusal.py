"""IBD-PSC: what a trigger's row is called stays, when the last norms of the model are amplified."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from boomerang.errors import ConfigError
from training.architectures.common.base import LOGITS
from training.architectures.common.inside import through, ways_to_logits
from training.architectures.common.norms import last_norms, norms
from training.inference.common.refusing import Refusing, Scores, numbers_of
from training.labeled import Labeled


class IbdPscRefusal(Refusing):
    """Refuse a row whose class stays probable when the model's last norms are amplified.

    The statistic of the screen `ibd_psc`, for the class that the model predicts: the outputs of the last k
    norms, k + 1 and so on are multiplied by `factor`, where k is the smallest number by which the error on
    trusted rows rises above `error`. Clean rows then lose their class. A row is refused where the mean
    probability that it keeps is higher than that of all but `frr` of the trusted rows.

    What departs from the paper: norms' outputs are multiplied, which is the same as their scale and shift;
    the threshold is of trusted rows and not 0.9. Where there are less than k + `models` - 1 norms, there are
    fewer passes; where no k lifts the error above `error`, the last ones up to all norms are taken.

    Parameters
    ----------
    factor : float
        What the norms are multiplied by.
    error : float
        Share of trusted rows that have to be called wrong for a number of norms to be the smallest.
    models : int
        In how many ways the model is asked, beside its own.
    """

    title = "refusal by parameter scaling consistency (IBD-PSC)"
    source = "Hou et al. 2024, IBD-PSC, sections 4.2-4.3 (ICML)"
    assumes = "the model is surer of a trigger than of any class, and has norms"
    costs = "six passes of the model for an image; 1 / frr trusted rows"
    fails = (
        "networks with few norms: on one with four it refused a fifth of BadNets' images, and none with a "
        "blended trigger or SIG's"
    )

    kind: Literal["ibd_psc_refusal"] = "ibd_psc_refusal"
    factor: float = Field(default=1.5, gt=1)
    error: float = Field(default=0.6, gt=0, lt=1)
    models: int = Field(default=5, ge=1, le=20)

    def suspicion(self, model: Any, trusted: Labeled) -> tuple[Any, Scores]:
        """Return the mean probability of the predicted class, and that of the trusted rows.

        Raises
        ------
        ConfigError
            If the model has no norms.
        """
        from keras import ops

        names, images = norms(model), model.inputs[0]
        if not names:
            do = "take a network that has, or leave it out"
            raise ConfigError("ibd_psc_refusal", "the model has no norms that could be amplified", do)
        logits, x = ways_to_logits(model)[LOGITS], np.asarray(trusted.x)

        def amplified(count: int) -> Any:
            loud = set(names[len(names) - count :])
            return through(images, images, logits, lambda k, out: out * self.factor if k in loud else out)

        def wrong(count: int) -> float:
            calls = numbers_of(images, amplified(count), x).argmax(1)
            return float(np.mean(calls != trusted.y))

        counts, _ = last_norms(wrong, len(names), self.error, self.models)
        called = ops.one_hot(ops.argmax(logits, axis=-1), logits.shape[-1])
        kept = [ops.sum(ops.softmax(ops.cast(amplified(k), "float32")) * called, axis=-1) for k in counts]
        score = sum(kept) / len(kept)
        return score, numbers_of(images, score, x).astype(np.float64)
