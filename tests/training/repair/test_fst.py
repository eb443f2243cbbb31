"""Feature shift tuning: another head, unlike the old one, and features that moved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from helpers.benches import bench_with, victim_of
from helpers.training_jobs import built, left_or_right

from boomerang.settings import TrainConfig
from training.harden import repaired
from training.learning.descent import cross_entropy
from training.model import LOGITS, classifier, embedder
from training.repair.fst import Fst, unlike

CONFIG = TrainConfig(epochs=3, batch=32)
ROWS, TRUSTED = left_or_right(200), left_or_right(100, seed=1)


def head(model: Any) -> Any:
    return np.array(model.get_layer(LOGITS).kernel)


def test_what_is_added_to_each_loss_is_the_likeness_and_the_length_of_the_head_is_nothing_to_it() -> None:
    model = built()
    before = np.random.default_rng(0).normal(size=head(model).shape).astype(np.float32)
    plain, _ = cross_entropy(model, *TRUSTED)
    losses, answers = unlike(before, 0.2, cross_entropy)(model, *TRUSTED)
    cosine = (before * head(model)).sum() / np.linalg.norm(before) / np.linalg.norm(head(model))
    np.testing.assert_allclose(losses - plain, 0.2 * cosine * np.linalg.norm(before) ** 2, rtol=1e-3)
    assert answers.shape == (100, 2)
    model.get_layer(LOGITS).kernel.assign(3 * head(model))
    plain, _ = cross_entropy(model, *TRUSTED)
    again, _ = unlike(before, 0.2, cross_entropy)(model, *TRUSTED)
    np.testing.assert_allclose(again - plain, 0.2 * cosine * np.linalg.norm(before) ** 2, rtol=1e-3)


def test_the_more_alpha_the_less_like_the_old_head_and_the_features_follow(tmp_path: Path) -> None:
    victim = victim_of(ROWS, CONFIG)
    old, features = head(victim), embedder(victim)(TRUSTED[0])
    likeness = []
    for alpha in (0.0, 1.0):
        bench = bench_with(tmp_path / str(alpha), ROWS, TRUSTED, CONFIG)
        model = repaired(victim_of(ROWS, CONFIG), [Fst(epochs=8, batch=20, alpha=alpha)], bench)
        likeness.append((head(model) * old).sum() / np.linalg.norm(head(model)) / np.linalg.norm(old))
        assert np.mean(classifier(model)(ROWS[0]).argmax(1) == ROWS[1]) > 0.9
        assert not np.allclose(embedder(model)(TRUSTED[0]), features, atol=0.1)
    assert likeness[1] < likeness[0] - 0.2 and likeness[1] < 0
