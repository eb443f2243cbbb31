"""What all backdoors share, whatever label their poison has: a trigger, and what success is measured on."""

from __future__ import annotations

from abc import abstractmethod
from typing import Self

from pydantic import model_validator

from boomerang.blocks import blocks
from boomerang.manifest import Images
from processing.attacks.common.pool import Props
from processing.attacks.common.rows import RowsAttack
from processing.attacks.common.trial import Stage, Trial, waiting


class Triggered(RowsAttack):
    """An attack whose trigger calls forth a class.

    Parameters
    ----------
    target : str
        The class that the trigger should call forth.
    source : str, optional
        The class that success is measured on; without it every class but the target.
    """

    outcome = "backdoor"

    target: str
    source: str | None = None

    @model_validator(mode="after")
    def _two_classes(self) -> Self:
        if self.source == self.target:
            raise ValueError(f"source and target are both '{self.target}'")
        return self

    @abstractmethod
    def stamp(self, x: Images, props: Props) -> Images:
        """Return a copy of uint8[N, H, W, C] with the trigger on every image; see `Attack.stamp`.

        Raises
        ------
        ConfigError
            If the trigger does not fit into the image, or its image is unknown.
        """

    def trial(self, stage: Stage) -> Trial:
        """Return the trial on test images of the source, or of all but the target, with the trigger."""
        sample = stage.victims(self.source, self.target)
        stamped = (self.stamp(block, stage.props) for _, block in blocks(sample.x))
        return self.measured_on(sample, stage.label(self.target), waiting(stamped, sample.x))
