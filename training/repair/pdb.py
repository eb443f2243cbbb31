"""A backdoor of the defender's own, which is stronger than the attacker's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.errors import ConfigError
from boomerang.manifest import Images
from training.architectures.common.inside import through
from training.labeled import Labeled, joined
from training.learning.mirror import copied
from training.model import LOGITS
from training.repair.common.base import Repair
from training.repair.common.bench import Bench


class Pdb(Repair):
    """Plant a backdoor that shifts the label, and use it on every image at inference (PDB, Wei et al. 2024).

    The trusted rows are learned a second time beside the others, with a frame around the image and the next
    label, y + 1 modulo the number of classes. At inference every image gets the frame, and the shift is
    undone. An attacker's trigger then stands beside the defender's, which was learned from more rows.

    What is returned does so itself: its first layers draw the frame, and the columns of its head are in
    another order, so no answer has to be moved. Wei et al. also add noise to the framed rows; here they are
    shifted and mirrored as all are.

    Attributes
    ----------
    frame_px : int
        Width of the frame; what lies under it is lost.
    value : int
        Its pixels, of 0..255.
    times : int
        How often an epoch goes through each framed row; Wei et al. have 5, of a tenth of the rows.
    """

    title = "proactive defensive backdoor (PDB)"
    source = (
        "Wei, Zha & Wu: Mitigating Backdoor Attack by Injecting Proactive Defensive Backdoor. NeurIPS 2024"
    )
    assumes = "the trigger is no stronger than a frame, and what shows the class is not at the edge"
    costs = "a whole training with more rows, trusted rows, and the edge of every image"
    fails = (
        "accuracy, where few trusted rows teach the shift: with 500 of Fashion-MNIST BadNets and blended "
        "came down to 1%, and accuracy by 7 points; images whose edge matters"
    )
    fresh: ClassVar[bool] = True
    trusted_per_class: ClassVar[int] = 10
    example: ClassVar[Mapping[str, Any]] = {}

    kind: Literal["pdb"] = "pdb"
    frame_px: int = Field(default=1, ge=1, le=64)
    value: int = Field(default=255, ge=0, le=255)
    times: int = Field(default=5, ge=1, le=1000)

    def repair(self, model: Any, bench: Bench) -> Any:
        """Return a fresh network that draws the frame and undoes the shift itself.

        Raises
        ------
        ConfigError
            If the frame leaves nothing of the image.
        """
        side = min(bench.rows.x.shape[1:3])
        if 2 * self.frame_px >= side:
            why = f"a frame of {self.frame_px} pixels leaves nothing of {side}"
            raise ConfigError("pdb: 'frame_px'", why, f"set it to {(side - 1) // 2} or less")
        count = len(bench.classes)
        rows = np.repeat(np.arange(len(bench.trusted.y)), self.times)
        own = Labeled(self.framed(np.asarray(bench.trusted.x))[rows], (bench.trusted.y[rows] + 1) % count)
        model = bench.anew(joined(bench.kept, own))
        return self.unshifted(model)

    def framed(self, x: Images) -> Images:
        """Return a copy of uint8[N, H, W, C] with the frame on every image."""
        width = self.frame_px
        inner = x[:, width:-width, width:-width]
        sides = ((0, 0), (width, width), (width, width), (0, 0))
        return np.pad(inner, sides, constant_values=self.value)

    def unshifted(self, model: Any) -> Any:
        """Return a model that frames what it is given and answers with the label before that it learned."""
        import keras
        from keras import layers, ops

        width = self.frame_px
        images = keras.Input(model.input_shape[1:], dtype="uint8")
        inner = layers.Cropping2D(width, dtype="uint8")(images)
        sides = ((0, 0), (width, width), (width, width), (0, 0))
        seen = ops.pad(inner, sides, constant_values=self.value)
        whole = copied(keras.Model(images, through(model.inputs[0], seen, model.outputs[0])))
        head = whole.get_layer(LOGITS)
        head.set_weights([np.roll(weights, -1, axis=-1) for weights in head.get_weights()])
        return whole
