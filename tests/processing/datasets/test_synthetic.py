"""The bundled data set: balanced, repeatable, and the same picture whatever is drawn beside it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from processing.datasets import synthetic
from processing.datasets.common.corpus import Request
from processing.datasets.drawn.draws import Draws
from processing.sharing.tasks import alone

Pictures = NDArray[np.uint8]

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@pytest.fixture(scope="module")
def forty() -> Pictures:
    return synthetic.draw(np.arange(40) % 10, 5)


def test_the_classes_are_cifar10s_in_order() -> None:
    assert synthetic.CLASSES == CIFAR10
    assert synthetic.NAME == "boomerang-synthetic-10"
    assert "not CIFAR-10 numbers" in " ".join((synthetic.__doc__ or "").split())


def test_pictures_are_bytes_of_the_right_shape_and_use_the_range(forty: Pictures) -> None:
    assert forty.shape == (40, 32, 32, 3)
    assert forty.dtype == np.uint8
    assert forty.min() < 20
    assert forty.max() > 235
    assert forty.reshape(40, -1).std(axis=1).min() > 4


def test_the_same_seed_gives_the_same_bytes(forty: Pictures) -> None:
    assert np.array_equal(forty, synthetic.draw(np.arange(40) % 10, 5))


def test_another_seed_gives_other_pictures(forty: Pictures) -> None:
    other = synthetic.draw(np.arange(40) % 10, 6)
    assert not any(np.array_equal(a, b) for a, b in zip(forty, other, strict=True))


def test_a_picture_depends_on_seed_number_and_label_alone(
    forty: Pictures,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """GIVEN other labels around it and another block size THEN picture i is the same to the byte."""
    monkeypatch.setattr(synthetic, "_BLOCK", 3)
    y = np.arange(40) % 10
    changed = y.copy()
    changed[::2] = 0
    again = synthetic.draw(changed, 5)
    assert np.array_equal(again[changed == y], forty[changed == y])
    assert np.array_equal(synthetic.draw(y[:15], 5), forty[:15])


def test_the_rows_are_balanced_and_shuffled_and_train_and_test_kept_apart() -> None:
    corpus = synthetic.blueprint(50, 30, 1).build(alone)
    (x, y), (x_test, y_test) = ((split.x, split.y) for split in (corpus.train, corpus.test))
    assert (x.shape, x_test.shape) == ((50, 32, 32, 3), (30, 32, 32, 3))
    assert y.dtype == y_test.dtype == np.int64
    assert np.bincount(y).tolist() == [5] * 10
    assert np.bincount(y_test).tolist() == [3] * 10
    assert np.any(np.diff(y) < 0)
    assert not {p.tobytes() for p in x} & {p.tobytes() for p in x_test}


def test_what_is_needed_beside_the_training_split_is_drawn_too() -> None:
    source = synthetic.Synthetic()
    tasks = source.blueprint(Request(train=20, test=10, extra_train=7, seed=1)).tasks
    assert [task.items for task in tasks] == [27, 10]
    tasks = source.blueprint(Request(extra_train=7)).tasks
    assert [task.items for task in tasks] == [synthetic.TRAIN + 7, synthetic.TEST]


def test_an_uneven_size_is_balanced_to_within_one() -> None:
    counts = np.bincount(synthetic.labels(57, 3), minlength=10)
    assert counts.sum() == 57
    assert np.ptp(counts) <= 1


def test_nothing_asked_for_is_nothing_drawn() -> None:
    assert synthetic.draw(np.zeros(0, np.int64), 0).shape == (0, 32, 32, 3)


@pytest.mark.parametrize(("sizes", "seed"), [((-1, 1), 0), ((1, 1), -1), ((1, 1), 1 << 32)])
def test_sizes_and_seeds_out_of_range_are_refused(sizes: tuple[int, int], seed: int) -> None:
    with pytest.raises(ValueError, match="seed"):
        synthetic.blueprint(*sizes, seed)


@pytest.mark.parametrize("label", [-1, 10])
def test_a_label_out_of_range_is_refused(label: int) -> None:
    with pytest.raises(ValueError, match="labels must lie in"):
        synthetic.draw(np.array([label]), 0)


def test_no_class_has_a_corner_of_its_own() -> None:
    """No corner patch is constant over a class: a trigger stamped there means nothing yet."""
    x = synthetic.draw(np.repeat(np.arange(10), 16), 2).astype(np.float32)
    for name, pictures in zip(CIFAR10, x.reshape(10, 16, 32, 32, 3), strict=True):
        for corner in (np.s_[:3, :3], np.s_[:3, -3:], np.s_[-3:, :3], np.s_[-3:, -3:]):
            assert pictures[:, *corner].mean(axis=(1, 2)).std(axis=0).mean() > 10, name


def test_drawn_numbers_are_uniform_and_independent_of_the_batch() -> None:
    d = Draws(9, np.arange(4000))
    u = d.uniform()
    assert (u.min() >= 0, u.max() < 1) == (True, True)
    assert u.mean() == pytest.approx(0.5, abs=0.02)
    assert u.std() == pytest.approx(12**-0.5, abs=0.01)
    assert abs(np.corrcoef(u, d.uniform())[0, 1]) < 0.05
    few = Draws(9, np.array([7, 3999]))
    assert np.array_equal(few.uniform(), u[[7, 3999]])
    share = Draws(9, np.arange(4000)).flag(0.3).mean()
    assert share == pytest.approx(0.3, abs=0.03)
