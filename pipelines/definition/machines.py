"""What the definition and the image have to know of SageMaker's instance types."""

from __future__ import annotations

import re

# What a user may choose from when starting the pipeline, beside what the config names: types that both
# processing and training jobs take.
_OFFERED = (
    *("ml.m5.large", "ml.m5.xlarge", "ml.m5.2xlarge", "ml.m5.4xlarge"),
    *("ml.c5.xlarge", "ml.c5.2xlarge", "ml.c5.4xlarge"),
    *("ml.g4dn.xlarge", "ml.g4dn.2xlarge", "ml.g4dn.12xlarge"),
    *("ml.g5.xlarge", "ml.g5.2xlarge", "ml.g5.12xlarge"),
)
# A `d` after the generation, or a family that has such disks without saying so.
_OWN_DISK = re.compile(r"ml\.([a-z]+\d+[a-z]*d[a-z]*|g5|g6e?|p5[a-z]*|p6[a-z0-9-]*|trn\d+[a-z]*)\.")
_GPU = re.compile(r"ml\.[gp]\d")


def has_own_disk(instance: str) -> bool:
    """Whether a type has a disk built in, which is always encrypted: SageMaker takes no key for it."""
    return _OWN_DISK.match(instance) is not None


def has_gpu(instance: str) -> bool:
    """Whether a type has one or more of NVIDIA's GPUs."""
    return _GPU.match(instance) is not None


def allowed_instances(default: str) -> list[str]:
    """Return the types that may stand in for a default: those that take a key for the disk as it does."""
    same = [each for each in _OFFERED if has_own_disk(each) == has_own_disk(default)]
    return sorted({default, *same})
