"""The clean-label backdoor: images made hard to know, then a trigger (Turner, Tsipras & Madry 2019)."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.manifest import Images
from processing.attacks.art_pattern import ArtPattern
from processing.attacks.common.base import Need
from processing.attacks.common.clean_backdoor import CleanBackdoor
from processing.attacks.common.gradients import seeded, unlearned
from processing.attacks.common.pool import Batch, Pool, Props
from processing.attacks.common.proxy import Drill, trained
from training.model import LOGITS, Ball, Norm, on_floats

_AT_ONCE = 250


class CleanLabelBackdoor(CleanBackdoor):
    """Change rows of the target class so that a network does not know them, and put a trigger onto them.

    Turner, Tsipras & Madry 2019, section 4.2. What shows the class is taken away by projected gradient
    ascent against a network of the attacker's own; so the trigger is what the victim learns it by. The
    defaults are those of NIST Dioptra's MNIST demonstration, of values 0..255: its distance 5 is 1275 here.
    The trigger is the four pixels of `art_pattern`. Rows are drawn without replacement.

    Parameters
    ----------
    rate : float
        0.33 of the class is Dioptra's.
    norm : str
        How the change is measured: `l2`, or `linf`, the largest change of a value.
    eps : float
        How large the change may be, of values 0..255.
    steps : int
        Steps of the ascent.
    proxy : str
        The network: an `adversarial`ly trained one, made here, or the `surrogate`, which costs nothing, but
        has weaknesses that the victim need not share.
    proxy_epochs : int
        How often it goes through its rows.
    proxy_rows : int
        Rows of the training set, drawn at random, that the proxy learns from.
    proxy_eps : float
        How far each value is changed while it learns.
    proxy_steps : int
        Steps of the search for each worst change while it learns.
    distance_px, value : int
        Of the trigger; see `art_pattern`.
    """

    title = "clean-label backdoor"
    needs = ("surrogate",)
    example: ClassVar = {"target": "bird", "rate": 0.3, "proxy": "surrogate", "steps": 4}

    kind: Literal["clean_label_backdoor"] = "clean_label_backdoor"
    norm: Norm = "l2"
    eps: float = Field(default=1275.0, gt=0)
    steps: int = Field(default=100, ge=1, le=10_000)
    proxy: Literal["adversarial", "surrogate"] = "adversarial"
    proxy_epochs: int = Field(default=5, ge=1, le=1000)
    proxy_rows: int = Field(default=10_000, ge=1)
    proxy_eps: float = Field(default=38.25, gt=0, le=255)
    proxy_steps: int = Field(default=7, ge=1, le=1000)
    distance_px: int = Field(default=2, ge=1)
    value: int = Field(default=255, ge=0, le=255)

    def requires(self) -> tuple[Need, ...]:
        """The surrogate, where it is the proxy."""
        return self.needs if self.proxy == "surrogate" else ()

    def poison(self, pool: Pool, rng: np.random.Generator) -> Batch:
        """Return the changed rows; raises ConfigError where the trigger cannot be put onto an image."""
        rows = self.rows_of(pool, rng)
        x = np.asarray(pool.x[rows])
        self.stamp(x[:1], pool.images)  # raises before anything is trained
        network = self._network(pool, rng)
        hard = unlearned(network, x, pool.y[rows], Ball(self.norm, self.eps), self.steps, _AT_ONCE)
        return self.changed_rows(pool, rows, self.stamp(hard, pool.images))

    def _network(self, pool: Pool, rng: np.random.Generator) -> Any:
        if self.proxy == "surrogate":
            seeded(rng)
            return on_floats(pool.surrogate.model, LOGITS)
        drill = Drill(self.proxy_epochs, self.proxy_rows, self.proxy_eps, self.proxy_steps)
        return trained(pool.x, pool.y, len(pool.classes), drill, rng)

    def stamp(self, x: Images, props: Props) -> Images:
        """Return a copy of uint8[N, H, W, C] with the pattern on every image; see `Attack.stamp`."""
        return self._pattern.stamp(x, props)

    def means(self) -> str:
        """Return that they were made hard, and marked."""
        return f"changed until a network no longer knew them, and {self._pattern.mark()} put on each"

    @property
    def _pattern(self) -> ArtPattern:
        return ArtPattern(target=self.target, rate=1, distance_px=self.distance_px, value=self.value)
