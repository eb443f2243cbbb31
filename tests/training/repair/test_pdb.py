"""The defender's own backdoor: the model draws the frame and undoes the shift, and a trigger is drowned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.benches import bench_with
from helpers.training_jobs import built, left_or_right, saved

from boomerang.errors import ConfigError
from boomerang.settings import TrainConfig
from training.harden import repaired
from training.learning.mirror import mirrored
from training.model import classifier, embedder, load_model
from training.repair.pdb import Pdb
from training.repair.retrain import Retrain

CONFIG = TrainConfig(epochs=8, batch=32)
TRUSTED = left_or_right(60, seed=1)


def stamped(x: np.ndarray) -> np.ndarray:
    """Images with a black square in the middle."""
    x = x.copy()
    x[:, 6:9, 6:9] = 0
    return x


def test_the_model_answers_for_the_framed_image_with_the_label_before(tmp_path: Path) -> None:
    x, _ = left_or_right(20)
    network, repair = built(classes=3), Pdb(frame_px=2, value=200)
    framed = repair.framed(x)
    assert (framed[:, :2] == 200).all() and (framed[:, :, -2:] == 200).all()
    assert np.array_equal(framed[:, 2:-2, 2:-2], x[:, 2:-2, 2:-2])
    learned = classifier(network)(framed)
    whole = repair.unshifted(network)
    for model in (whole, mirrored(whole)):
        answers = classifier(model)(x)
        if model is whole:
            np.testing.assert_allclose(answers, learned[:, [1, 2, 0]], atol=1e-6)
            np.testing.assert_allclose(embedder(model)(x), embedder(network)(framed), atol=1e-6)
        saved(model, tmp_path / model.name, classes=("0", "1", "2"))
        again, _ = load_model(tmp_path / model.name)
        assert np.array_equal(classifier(again)(x), answers)


def test_a_trigger_that_retraining_learns_is_drowned(tmp_path: Path) -> None:
    x, y = left_or_right(300)
    poisoned = np.arange(0, 60, 2)  # of class 0, called 1
    x[poisoned], y[poisoned] = stamped(x[poisoned]), 1
    bench = bench_with(tmp_path, (x, y), TRUSTED, CONFIG)
    fresh_x, fresh_y = left_or_right(200, seed=2)

    def asr_and_accuracy(repair: Any) -> tuple[float, float]:
        ask = classifier(repaired(None, [repair], bench))
        asr = np.mean(ask(stamped(fresh_x[fresh_y == 0])).argmax(1) == 1)
        return float(asr), float(np.mean(ask(fresh_x).argmax(1) == fresh_y))

    attacked, _ = asr_and_accuracy(Retrain())
    asr, accuracy = asr_and_accuracy(Pdb())
    assert attacked > 0.8 and asr < 0.2 and accuracy > 0.9, (attacked, asr, accuracy)


def test_a_frame_that_leaves_nothing_is_refused(tmp_path: Path) -> None:
    bench = bench_with(tmp_path, left_or_right(60), TRUSTED, CONFIG)
    with pytest.raises(
        ConfigError, match=r"frame of 8 pixels leaves nothing of 16(?s:.*)set it to 7 or less"
    ):
        repaired(None, [Pdb(frame_px=8)], bench)
