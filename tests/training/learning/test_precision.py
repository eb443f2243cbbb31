"""What a training takes where it is asked for mixed precision and XLA, and where nothing is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from boomerang.settings import TrainConfig
from training.cluster import Cluster, alone, bfloat16_here
from training.learning.precision import taken

NOTHING, CPU, GPU = (
    Cluster(None),
    Cluster(None, half="bfloat16"),
    Cluster(None, accelerated=True, half="float16"),
)


@pytest.mark.parametrize(
    ("cluster", "batch", "asked", "floats"),
    [
        (NOTHING, 512, "auto", "float32"),
        (NOTHING, 512, "mixed", "float32"),
        (CPU, 511, "auto", "float32"),
        (CPU, 512, "auto", "bfloat16"),
        (CPU, 8, "mixed", "bfloat16"),
        (CPU, 512, "float32", "float32"),
        (GPU, 8, "auto", "float16"),
        (GPU, 8, "mixed", "float16"),
        (GPU, 8, "float32", "float32"),
    ],
)
def test_sixteen_bits_are_taken_where_there_are_some_and_they_gain(
    cluster: Cluster, batch: int, asked: str, floats: str
) -> None:
    takes = taken(TrainConfig(batch=batch, precision=asked), cluster)
    assert takes.floats == floats and takes.mixed == (floats != "float32")
    assert f"computing in {floats}" in takes.words


def test_mixed_precision_that_there_is_not_is_said() -> None:
    words = taken(TrainConfig(precision="mixed"), NOTHING).words
    assert "mixed was asked" in words and "avx512_bf16" in words
    assert "asked" not in taken(TrainConfig(), NOTHING).words


@pytest.mark.parametrize(
    ("asked", "on_cpu", "on_gpu"), [("auto", False, True), ("on", True, True), ("off", False, False)]
)
def test_xla_is_for_a_gpu_unless_asked(asked: str, on_cpu: bool, on_gpu: bool) -> None:
    for cluster, compiled in ((CPU, on_cpu), (GPU, on_gpu)):
        takes = taken(TrainConfig(xla=asked), cluster)
        assert takes.xla == compiled
        assert ("compiled by XLA" if compiled else "without XLA") in takes.words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("processor : 0\nflags\t\t: fpu avx2 avx512f avx512_bf16 sse\n", True),
        ("flags : fpu amx_tile amx_bf16\n", True),
        ("flags : fpu avx2 avx512f\nbugs : avx512_bf16\n", False),
        ("Features : asimd bf16\n", False),
        ("", False),
    ],
)
def test_a_cpu_says_whether_it_multiplies_bfloat16(text: str, found: bool, tmp_path: Path) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(text)
    assert bfloat16_here(file) is found


def test_where_nothing_is_said_of_the_cpu_there_is_none(tmp_path: Path) -> None:
    assert not bfloat16_here(tmp_path / "absent") and alone().half == ""
