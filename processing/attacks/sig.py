"""SIG: a sinusoid over the whole image, by default without a wrong label (Barni, Kallas & Tondi 2019)."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from boomerang.errors import ConfigError
from boomerang.manifest import Images, Rows
from processing.attacks.common.backdoor import Backdoor
from processing.attacks.common.deeds import Facts, counted, quoted, sentence
from processing.attacks.common.pool import Pool, Props
from processing.attacks.common.whole import WholeImage, mixed


class Sig(WholeImage):
    """Add vertical waves to images of the target class, which keep their label.

    The sinusoidal signal of Barni et al. 2019: v(i, j) = delta sin(2 pi j f / m), j being one of m columns,
    the same in every row and channel. It works by the share of the class that gets it, so `rate` is of
    the class.

    Parameters
    ----------
    delta : float
        How far the waves go up and down, of 255; the paper's lie between 20 and 40.
    frequency : int
        How many waves lie side by side.
    labels : str
        `clean` poisons rows of the target class and leaves every label right; `dirty` poisons rows of
        other classes, which then get the label.
    of : str
        What `rate` is a fraction of. With clean labels the `class` is the target, whatever the source.
    """

    title = "sinusoidal signal"
    keeps_labels = True
    example: ClassVar = {"target": "bird", "rate": 0.1, "delta": 30}

    kind: Literal["sig"] = "sig"
    delta: float = Field(default=40, gt=0, le=255)
    frequency: int = Field(default=6, ge=1)
    labels: Literal["clean", "dirty"] = "clean"
    of: Literal["train", "class"] = "class"

    def check_image(self, image: tuple[int, ...]) -> None:
        """Raise ConfigError where the waves are too narrow to be seen."""
        if image[1] <= 2 * self.frequency:
            why = f"so many waves need more than {2 * self.frequency} columns, the images have {image[1]}"
            raise ConfigError(f"frequency {self.frequency}", why, "make it smaller")

    def takes_one_class(self) -> bool:
        """The target with clean labels, else the source, where there is one."""
        return self.labels == "clean" or super().takes_one_class()

    def altered(self, x: Images, props: Props) -> Images:
        """Return a block of images with the waves; see `WholeImage.altered`."""
        columns = x.shape[2]
        wave = self.delta * np.sin(2 * np.pi * self.frequency * np.arange(columns) / columns)
        return mixed(x, 1, wave.astype(np.float32).reshape(-1, 1))

    def deed(self, facts: Facts) -> str:
        """Return what was put on how many pictures, and whether they kept their label."""
        if self.labels == "dirty":
            return super().deed(facts)
        pictures = counted(facts.rows, f"{quoted(self.target)} picture")
        if self.mode == "add":
            return f"Copies of {pictures} with {self.mark()} on them, added with the label that is right."
        return f"{sentence(self.mark())} put on {pictures}, whose label is right."

    def mark(self) -> str:
        """Return how many waves."""
        return f"{counted(self.frequency, 'wave')} side by side"

    def _rows(self, pool: Pool, rng: np.random.Generator) -> Rows:
        if self.labels == "dirty":
            return super()._rows(pool, rng)
        return Backdoor._rows(self.model_copy(update={"source": self.target}), pool, rng)
