"""What refuses: a defense that answers as the model does, or with NaN where a row is like a trigger's."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from boomerang.errors import BadInput
from boomerang.manifest import Images
from boomerang.scoring import conformal_threshold, rows_needed
from training.architectures.common.batches import batch_of, batches
from training.inference.common.base import InferenceDefense, anew, through
from training.labeled import Labeled

Scores = npt.NDArray[np.float64]


class Refusing(InferenceDefense):
    """A defense that looks at each row, and refuses what scores higher than trusted rows do.

    How to write one: as `InferenceDefense`, but with `suspicion` in place of `wrap`.

    Attributes
    ----------
    frr : float
        False rejection rate: the share of clean rows that are refused, as far as they are like the trusted
        ones. It is that on average over sets of trusted rows; few of them may miss it by a lot. Fewer than
        1 / frr - 1 cannot tell what is rare, and nothing is wrapped.
    """

    refuses = True

    frr: float = Field(default=0.01, gt=0, lt=1)

    @property
    def trusted_rows(self) -> int:
        """As many as set a threshold."""
        return rows_needed(self.frr)

    @abstractmethod
    def suspicion(self, model: Any, trusted: Labeled) -> tuple[Any, Scores]:
        """Return the score of the images of a model, and the scores of clean rows.

        Parameters
        ----------
        model : keras.Model
            Functional, its layers in no other graph: `model.inputs[0]` are the images, and what the layers
            give for them can be had by `training.architectures.common.inside.ways_to_logits`.
        trusted : Labeled

        Returns
        -------
        keras.KerasTensor
            float32[N], computed from `model.inputs[0]`; higher is more suspicious. It is finite wherever the
            model's logits are, also where an inner defense refuses.
        float64[M]
            Of trusted rows, each as if it were none of what the score was calibrated on.
        """

    def wrap(self, model: Any, trusted: Labeled) -> Any:
        """Return the model that refuses.

        Raises
        ------
        BadInput
            If there are too few trusted rows.
        """
        import keras
        from keras import ops

        laid = flat(model)
        score, clean = self.suspicion(laid, trusted)
        threshold = conformal_threshold(clean, self.frr)
        if threshold is None:
            raise too_few(self, len(clean))
        refused = ops.cast(ops.expand_dims(score > threshold, -1), "float32")
        # NaN cannot stand in a model's description, which is strict JSON: it is the root of -1, and that of
        # -0 adds nothing. The answer comes first, see `through`.
        return keras.Model(laid.inputs[0], laid.outputs[0] + ops.sqrt(-refused))


def too_few(defense: InferenceDefense, rows: int) -> BadInput:
    """Return the error that a defense has too few trusted rows."""
    why = f"{defense.kind} needs {defense.trusted_rows} to know what is rare, there are {rows}"
    return BadInput("the trusted rows", why, "raise data.validation, or the share that it may refuse (frr)")


def flat(model: Any) -> Any:
    """Return a functional copy of a model; its layers hang in no other graph."""
    import keras

    images = keras.Input(model.input_shape[1:], dtype="uint8")
    return anew(keras.Model(images, through(model, images)))


def numbers_of(images: Any, tensor: Any, x: Images) -> npt.NDArray[np.float32]:
    """Return what comes out of a symbolic tensor for images.

    Parameters
    ----------
    images : keras.KerasTensor
        The model's input.
    tensor : keras.KerasTensor
        Computed from it.
    x : uint8[N, H, W, C], 1 row or more
    """
    import keras

    inner = keras.Model(images, tensor)
    return np.concatenate(
        [np.asarray(inner(each, training=False), np.float32) for _, each in batches(x, batch_of(inner))]
    )
