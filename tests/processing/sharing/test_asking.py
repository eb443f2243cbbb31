"""Asking a model in shares, and remembering its answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from processing.sharing.asking import BATCH, Recall, asking
from processing.sharing.tasks import joined

RNG = np.random.default_rng(0)


def batchwise(x: Any) -> Any:
    """Stand in for a model whose answer to an image depends on the batch that it is in."""
    batches = [x[i : i + BATCH].astype(np.float32) for i in range(0, len(x), BATCH)]
    return np.concatenate([b[:, 0, 0] + b.sum() for b in batches])


@pytest.mark.parametrize("rows", [1, BATCH, 2 * BATCH + 1, 5 * BATCH - 1])
@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_each_batch_is_the_one_that_a_machine_alone_would_ask(rows: int, count: int) -> None:
    x = RNG.integers(0, 256, (rows, 2, 2, 3), np.uint8)
    task = asking("answers", batchwise, x)
    shares = [task.share(index, count) for index in range(count)]
    pieces = [task.make(start, stop) for start, stop in shares if start < stop]
    assert np.array_equal(joined(pieces).rows, batchwise(x))


def test_a_real_model_answers_shares_as_it_answers_the_whole() -> None:
    """Bit for bit: this is what the parts of Screen and Evaluate rest on."""
    from keras.utils import set_random_seed

    from training.architectures.small import Small
    from training.model import classifier, embedder

    set_random_seed(0)
    model = Small().build((16, 16, 3), 10)
    x = RNG.integers(0, 256, (2 * BATCH + 300, 16, 16, 3), np.uint8)
    for ask in (classifier(model), embedder(model)):
        task, whole = asking("answers", ask, x), ask(x)
        for count in (2, 3):
            pieces = [task.make(*task.share(index, count)) for index in range(count)]
            assert joined(pieces).rows.tobytes() == whole.tobytes()


def test_what_was_asked_before_is_not_asked_again() -> None:
    asked = []

    def ask(x: Any) -> Any:
        asked.append(len(x))
        return x[:, 0, 0].astype(np.float32)

    recall = Recall(ask)
    x, answers = RNG.integers(0, 256, (6, 2, 2, 3), np.uint8), np.ones((6, 3), np.float32)
    recall.remember(x, answers)
    assert recall(x.copy()) is answers and recall(np.asfortranarray(x)) is answers and asked == []
    other = x.copy()
    other[5, 1, 1, 2] ^= 1
    for rows in (other, x[:5], x.reshape(3, 4, 2, 3), x[:0]):
        assert np.array_equal(recall(rows), rows[:, 0, 0])
    assert asked == [6, 5, 3, 0]
