"""A support vector machine, saved as a network."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from boomerang.errors import BadInput
from boomerang.manifest import Labels
from training.architectures.common.base import FEATURES, LOGITS, Architecture
from training.labeled import Labeled

Doubles = npt.NDArray[np.float64]


class Svm(Architecture):
    """A support vector machine on pixels in 0..1 (Cortes & Vapnik 1995), solved by scikit-learn's `SVC`.

    It is solved at once and takes no steps: nothing of `[train]` concerns it, and it cannot be fine-tuned
    (`victim.schedule = "retrain"`). What is saved is a plain Keras model: `features` are the kernel's values
    of an image and each support vector, `logits` their sum by the dual coefficients, and the intercept. Of
    two classes the logits are the decision value and its negative; of more there is one machine for each
    class against the rest, and the logits are their decision values. The softmax of them is no probability
    that was held against rows. It learns from 10,000 rows at most: its time grows with the square and more.

    Attributes
    ----------
    kernel : str
        `rbf` is exp(-gamma |a - b|²), `linear` the product.
    c : float
        What a row within the margin costs.
    gamma : float
        Of `rbf`; 0 is one over pixels times variance, which scikit-learn calls `scale`.
    """

    title = "support vector machine"
    words = "a support vector machine on the pixels, which is solved at once"
    in_steps: ClassVar[bool] = False
    most_rows: ClassVar[int] = 10_000

    kind: Literal["svm"] = "svm"
    kernel: Literal["rbf", "linear"] = "rbf"
    c: float = Field(default=1.0, gt=0, le=1e6)
    gamma: float = Field(default=0.0, ge=0, le=1e6)

    def build(self, input_shape: tuple[int, int, int], classes: int) -> Any:
        """Return one that has learned nothing: a black image is its one support vector, and counts for 0."""
        black = np.zeros((1, int(np.prod(input_shape))))
        return self._network(input_shape, black, 1.0, np.zeros((1, classes)), np.zeros(classes))

    def solve(self, rows: Labeled, classes: int) -> Any:
        """Return the machine that has learned from rows, as a network.

        Raises
        ------
        BadInput
            If the rows are of a single class.
        """
        x = np.asarray(rows.x).reshape(len(rows.y), -1) / 255
        if len(np.unique(rows.y)) < 2:
            why = "they are of a single class, and a machine tells one from another"
            raise BadInput("the rows to learn from", why, "give rows of two classes or more")
        variance = float(x.var())
        gamma = self.gamma or (1 / (x.shape[1] * variance) if variance else 1.0)
        duals, intercepts = self._machines(x, rows.y, classes, gamma)
        support = np.flatnonzero(duals.any(axis=1))
        height, width, channels = rows.x.shape[1:]
        return self._network((height, width, channels), x[support], gamma, duals[support], intercepts)

    def _machines(self, x: Doubles, y: Labels, classes: int, gamma: float) -> tuple[Doubles, Doubles]:
        """Return float64[N, K], what each row counts in the decision value of each class; and float64[K].

        A class without a row is never decided for.
        """
        from sklearn.svm import SVC

        duals, intercepts = np.zeros((len(x), classes)), np.full(classes, -1.0)
        present = np.unique(y)
        for label in present[-1:] if classes == 2 else present:
            machine = SVC(C=self.c, kernel=self.kernel, gamma=gamma).fit(x, y == label)
            duals[machine.support_, label] = machine.dual_coef_[0]
            intercepts[label] = machine.intercept_[0]
        if classes == 2:
            duals[:, 0], intercepts[0] = -duals[:, 1], -intercepts[1]
        return duals, intercepts

    def _network(
        self, shape: tuple[int, int, int], support: Doubles, gamma: float, duals: Doubles, intercepts: Doubles
    ) -> Any:
        """Return the network of so many support vectors, float64[M, H * W * C], in Keras' own layers."""
        import keras
        from keras import layers

        images = layers.Input(shape, dtype="uint8")
        flat = layers.Flatten()(layers.Rescaling(1 / 255)(images))
        if self.kernel == "linear":
            similar = layers.Dense(len(support), use_bias=False, name=FEATURES)
            values, weights = similar(flat), {FEATURES: [support.T]}
        else:
            # -gamma |a - b|², taken apart
            products = layers.Dense(len(support), name="products")(flat)
            squares = layers.Dense(len(support), use_bias=False, name="squares")(layers.Dot(1)([flat, flat]))
            values = layers.Activation("exponential", name=FEATURES)(layers.Add()([products, squares]))
            weights = {
                "products": [2 * gamma * support.T, -gamma * (support**2).sum(1)],
                "squares": [np.full((1, len(support)), -gamma)],
            }
        answers = layers.Softmax()(layers.Dense(duals.shape[1], name=LOGITS)(values))
        model = keras.Model(images, answers)
        for name, arrays in {**weights, LOGITS: [duals, intercepts]}.items():
            model.get_layer(name).set_weights(arrays)
        return model
