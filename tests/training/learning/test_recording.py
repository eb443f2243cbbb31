"""The record of a training: of each row what the model said of it, in the place of that row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.training_jobs import built, left_or_right

from boomerang.formats.model import Record
from boomerang.scoring import auroc
from boomerang.settings import TrainConfig
from training.fit import fit, seed_everything
from training.learning.recording import Recorder, early_epoch, seen

X, Y = left_or_right(600)
ROWS, WATCHED = (X[:500], Y[:500]), (X[500:], Y[500:])


def recorded(config: TrainConfig, y: Any = ROWS[1]) -> tuple[Any, Record]:
    seed_everything(0)
    model, recorder = built(), Recorder(config.epochs, 500, 100)
    # Not all alike from the start.
    model.layers[-2].set_weights(
        [w + 0.1 * np.sin(np.arange(w.size)).reshape(w.shape) for w in model.layers[-2].get_weights()]
    )
    fit(model, ROWS[0], y, WATCHED, config, 0, recorder=recorder)
    return model, recorder.record(y, WATCHED[1])


def by_hand(answers: Any, y: Any) -> tuple[Any, Any]:
    """Return margin and loss of float[N, K], written down otherwise."""
    logs = np.log(np.maximum(np.asarray(answers, np.float64), np.finfo(np.float32).tiny))
    own = logs[np.arange(len(y)), y]
    others = np.array([np.delete(row, label).max() for row, label in zip(logs, y, strict=True)])
    return own - others, -own


def test_what_is_seen_is_the_log_odds_against_the_next_class_and_the_loss() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 30, (200, 5))
    odds = np.exp(logits - logits.max(1, keepdims=True)).astype(np.float32)
    answers, y = odds / odds.sum(1, keepdims=True), rng.integers(0, 5, 200)
    found = seen(answers, y).numpy()
    assert found.dtype == np.float32 and np.isfinite(found).all()
    np.testing.assert_allclose(found.T, by_hand(answers, y), rtol=1e-4, atol=1e-4)
    of_logits = np.array([row[k] - np.delete(row, k).max() for row, k in zip(logits, y, strict=True)])
    near = np.abs(logits - logits.max(1, keepdims=True)).max(1) < 80
    assert near.sum() > 50
    np.testing.assert_allclose(found[near, 0], of_logits[near], rtol=1e-3, atol=1e-3)


def test_a_label_without_any_probability_has_a_margin_all_the_same() -> None:
    found = seen(np.array([[1, 0, 0], [0, 1, 0]], np.float32), np.array([1, 1])).numpy()
    assert found[:, 0] == pytest.approx([-87.3365, 87.3365], abs=1e-3)
    assert found[:, 1] == pytest.approx([87.3365, 0], abs=1e-3)


@pytest.mark.parametrize("most", [None, 20_000])
def test_at_a_standstill_the_record_says_of_every_row_what_the_model_does(
    most: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In memory, and through a shuffle of blocks; at a rate of next to nothing every step is the last."""
    if most:
        monkeypatch.setattr("training.labeled.IN_MEMORY", most)
    model, record = recorded(TrainConfig(epochs=1, batch=500, learning_rate=1e-12))
    assert record.learned == 500 and np.array_equal(record.y, Y)
    assert record.margin.dtype == record.early_loss.dtype == np.float32
    for rows, training in ((slice(500, 600), False), (slice(0, 500), True)):  # which moves its batch norms
        margin, loss = by_hand(model(X[rows], training=training), Y[rows])
        assert np.ptp(margin) > 0.01, "no row is as any other"
        np.testing.assert_allclose(record.margin[rows], margin, atol=2e-5)
        np.testing.assert_allclose(record.early_loss[rows], loss, atol=2e-5)


def test_the_loss_is_of_the_epoch_at_a_fifth_and_the_margin_of_all() -> None:
    assert [early_epoch(epochs) for epochs in (1, 2, 5, 8, 15, 100)] == [1, 2, 2, 2, 3, 20]
    recorder, y = Recorder(10, 1, 1), np.array([0])
    for epoch in range(10):
        recorder.watch(epoch, np.array([[1 / (2 + epoch), 1 - 1 / (2 + epoch)]], np.float32), y)
    record = recorder.record(y, y)
    assert record.early_loss[1] == pytest.approx(np.log(3))
    assert record.margin[1] == pytest.approx(-np.mean(np.log(np.arange(1, 11))))


def test_rows_with_wrong_labels_have_the_lowest_margins() -> None:
    """5% of labels flipped: though the model learns them in the end, most have the lowest areas."""
    rng = np.random.default_rng(1)
    wrong = np.zeros(500, bool)
    wrong[rng.choice(500, 25, replace=False)] = True
    _, record = recorded(TrainConfig(epochs=5, batch=32), np.where(wrong, 1 - ROWS[1], ROWS[1]))
    assert (auroc(-record.margin[:500].astype(np.float64), wrong) or 0) > 0.95
    assert record.margin[500:].mean() > 0
