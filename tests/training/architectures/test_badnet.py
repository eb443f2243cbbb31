"""The face network of the BadNets laboratories: it is the published one, and the published weights open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from helpers.training_jobs import built

from boomerang.errors import BadInput
from training.architectures.badnet import Badnet

FACES, PEOPLE = (55, 47, 3), 1283
# Of https://github.com/csaw-hackml/CSAW-HackML-2020, whose files are published as model.save wrote them.
PUBLISHED = {
    "conv_1": (4, 4, 3, 20),
    "conv_2": (3, 3, 20, 40),
    "conv_3": (3, 3, 40, 60),
    "fc_1": (1200, 160),
    "conv_4": (2, 2, 60, 80),
    "fc_2": (960, 160),
    "output": (160, PEOPLE),
}


def published(file: Path, *, whole_model: bool, **other: Any) -> dict[str, list[np.ndarray]]:
    """Write a file of Keras 2's layout and return its weights; `other` are shapes that differ."""
    rng = np.random.default_rng(0)
    weights = {}
    with h5py.File(file, "w") as h5:
        root = h5
        if whole_model:
            h5.attrs["model_config"] = b'{"class_name": "Functional"}'
            h5.create_group("optimizer_weights/Adadelta").create_dataset("iterations:0", data=np.int64(7))
            root = h5.create_group("model_weights")
        root.attrs["backend"], root.attrs["keras_version"] = b"tensorflow", b"2.3.1"
        names = ["input", *PUBLISHED, "add_1"]
        root.attrs["layer_names"] = [name.encode() for name in names]
        for name in names:
            group = root.create_group(name)
            group.attrs["weight_names"] = []
            if shape := {**PUBLISHED, **other}.get(name):
                pair = [rng.normal(0, 0.05, size).astype(np.float32) for size in (shape, shape[-1:])]
                weights[name] = pair
                group.attrs["weight_names"] = [f"{name}/kernel:0".encode(), f"{name}/bias:0".encode()]
                for key, values in zip(("kernel:0", "bias:0"), pair, strict=True):
                    group.create_dataset(f"{name}/{key}", data=values)
    return weights


@pytest.fixture(scope="module")
def model() -> Any:
    return built("badnet", FACES, PEOPLE, batch_norm=False)


def by_hand(weights: dict[str, list[np.ndarray]], image: np.ndarray) -> np.ndarray:
    """Return the logits of one image, computed without Keras."""

    def conv(x: np.ndarray, name: str) -> np.ndarray:
        kernel, bias = weights[name]
        windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2], (0, 1))
        return np.maximum(np.einsum("hwcij,ijcf->hwf", windows, kernel) + bias, 0)

    def pool(x: np.ndarray) -> np.ndarray:
        h, w, c = x.shape[0] // 2, x.shape[1] // 2, x.shape[2]
        return x[: 2 * h, : 2 * w].reshape(h, 2, w, 2, c).max((1, 3))

    def dense(x: np.ndarray, name: str) -> np.ndarray:
        return x.reshape(-1) @ weights[name][0] + weights[name][1]

    x = image / 255
    for name in ("conv_1", "conv_2", "conv_3"):
        x = pool(conv(x, name))
    return dense(np.maximum(dense(x, "fc_1") + dense(conv(x, "conv_4"), "fc_2"), 0), "output")


@pytest.mark.parametrize("whole_model", [True, False])
def test_the_published_weights_open_and_answer_as_the_published_net(
    model: Any, tmp_path: Path, *, whole_model: bool
) -> None:
    weights = published(tmp_path / "bd_net.h5", whole_model=whole_model)
    Badnet(batch_norm=False).open_published(model, tmp_path / "bd_net.h5")
    assert model.count_params() == 601_643
    image = np.random.default_rng(1).integers(0, 256, FACES, np.uint8)
    logits = by_hand(weights, image.astype(np.float64))
    expected = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    assert np.allclose(np.asarray(model(image[None]))[0], expected, rtol=1e-3, atol=1e-7)


def test_weights_of_another_network_are_refused_and_change_nothing(model: Any, tmp_path: Path) -> None:
    before = model.get_weights()
    published(tmp_path / "few.h5", whole_model=True, output=(160, 10))
    with pytest.raises(BadInput, match=r"'output' has .*\(160, 10\).* the network wants .*1283"):
        Badnet().open_published(model, tmp_path / "few.h5")
    published(tmp_path / "less.h5", whole_model=True, fc_2=None)
    with pytest.raises(BadInput, match="the file has no layer 'fc_2'"):
        Badnet().open_published(model, tmp_path / "less.h5")
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_with_batch_norms_the_published_weights_do_not_fit(tmp_path: Path) -> None:
    published(tmp_path / "bd_net.h5", whole_model=True)
    with pytest.raises(BadInput, match="without batch norms"):
        Badnet().open_published(built("badnet", FACES, PEOPLE), tmp_path / "bd_net.h5")
