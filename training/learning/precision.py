"""In which floats a training computes and whether XLA compiles it: what was asked, and what there is."""

from __future__ import annotations

from dataclasses import dataclass

from boomerang.settings import TrainConfig
from training.cluster import Cluster

# On a CPU bfloat16 gains at large batches only: at 128 it costs 30%.
_LEAST_BATCH = 512


@dataclass(frozen=True)
class Taken:
    """What a training takes.

    Attributes
    ----------
    floats : str
        `float32`, or the 16-bit floats of the layers but the last; variables are float32 in any case.
    xla : bool
    words : str
        Both, for the log.
    """

    floats: str
    xla: bool
    words: str

    @property
    def mixed(self) -> bool:
        """Whether some of it is in 16-bit floats."""
        return self.floats != "float32"


def taken(config: TrainConfig, cluster: Cluster) -> Taken:
    """Return what a training with these settings takes on these devices."""
    floats, note = "float32", ""
    gains = cluster.accelerated or config.batch >= _LEAST_BATCH
    if config.precision == "mixed" and not cluster.half:
        note = " (mixed was asked: there is no GPU, and no CPU with avx512_bf16 or amx_bf16)"
    elif config.precision == "mixed" or (config.precision == "auto" and cluster.half and gains):
        floats, note = cluster.half, " (variables and the last layers in float32)"
    xla = config.xla == "on" or (config.xla == "auto" and cluster.accelerated)
    compiled = "compiled by XLA" if xla else "without XLA"
    return Taken(floats, xla, f"computing in {floats}{note}, {compiled}")
