"""AGPD: planted directions, and the patch of a small network that was trained here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
import pytest
from helpers.suspects import Mask, StubVictim, noise_images
from helpers.training_jobs import saved

from boomerang.scoring import auroc
from processing.defenses.common.base import Features, Suspect
from processing.defenses.screening.agpd import Agpd
from training.model import ModelView

CLASSES = tuple("abcdefgh")
TARGET, LAYERS, CHANNELS = 2, ("early", "middle", "late"), 24
PAPER = Agpd(rule="paper")


@dataclass(frozen=True)
class Planted(StubVictim):
    """A victim whose vectors and calls are looked up by the array that it is asked about."""

    vectors: Any = None
    calls: Any = None
    convolutions = LAYERS

    def slopes(self, layers: Any) -> Any:
        return lambda x, _: self.vectors(x)

    def answer(self, x: Any) -> Features:
        return np.eye(self.classes, dtype=np.float32)[self.calls(x)]


def planted(
    poison: int = 60, *, rows: int = 3200, trusted: int = 800, seed: int = 0, wrong: float = 0.1
) -> tuple[Suspect, Mask]:
    """Return rows of eight classes around a direction each; poison points elsewhere, in the middle layer.

    The victim calls some of the clean rows wrong, those of the trusted set twice as often; their vectors are
    spread thrice as far.
    """
    rng = np.random.default_rng([seed, 3])
    y, trusted_y = np.arange(rows) % len(CLASSES), np.arange(trusted) % len(CLASSES)
    poisoned = np.zeros(rows, bool)
    poisoned[rng.choice(rows, poison, replace=False)] = True
    y[poisoned] = TARGET
    right = (rng.random(rows) > wrong / 2) | poisoned, rng.random(trusted) > wrong
    centers = rng.standard_normal((len(LAYERS), len(CLASSES), CHANNELS))

    def draw(layer: int, labels: Any, known: Any) -> Any:
        spread = np.where(known, 0.3, 0.9)[:, None]
        return centers[layer, labels] + spread * rng.standard_normal((len(labels), CHANNELS))

    vectors = [[draw(layer, *of) for layer in range(3)] for of in zip((y, trusted_y), right, strict=True)]
    vectors[0][1][poisoned] = 0.3 * rng.standard_normal((poison, CHANNELS))
    vectors[0][1][poisoned] += rng.standard_normal(CHANNELS) - 0.5 * centers[1, TARGET]
    x, trusted_x = noise_images(rng, rows), noise_images(rng, trusted)
    calls = [
        np.where(known, of, (of + 1) % len(CLASSES)) for known, of in zip(right, (y, trusted_y), strict=True)
    ]

    def of(images: Any) -> int:
        return 0 if images is x else 1

    victim = Planted(
        lambda images: np.zeros((len(images), 2)),
        len(CLASSES),
        vectors=lambda images: [each.astype(np.float32) for each in vectors[of(images)]],
        calls=lambda images: calls[of(images)],
    )
    return Suspect(x, y, trusted_x, trusted_y, CLASSES, victim, seed=seed), poisoned


def asked(data: Suspect, **otherwise: Any) -> Suspect:
    """Return the same rows with a victim of which some of the lookups are others."""
    assert isinstance(data.victim, Planted)
    return replace(data, victim=replace(data.victim, **otherwise))


@pytest.mark.parametrize("layers", ["all", "chosen"])
@pytest.mark.parametrize("seed", range(3))
def test_poison_is_found_and_clean_rows_stay(seed: int, layers: Any) -> None:
    data, poisoned = planted(seed=seed)
    finding = Agpd(layers=layers, max_fpr=0.01).screen(data)
    assert finding.threshold is not None and np.isfinite(finding.scores).all()
    assert finding.flagged[poisoned].mean() > 0.95 and finding.flagged[~poisoned].mean() < 0.025
    assert (auroc(finding.scores, poisoned) or 0) > 0.99
    assert finding.notes["layer"] == "middle" and finding.notes["trusted_rows"] == 800
    of_target = finding.notes["classes"][CLASSES[TARGET]]
    assert of_target["flagged"] >= 57 and of_target["gap"] > 0.5 and of_target["anomaly"] > 5


def test_the_share_of_clean_rows_taken_is_the_setting() -> None:
    shares = [Agpd(max_fpr=0.02).screen(planted(0, seed=seed)[0]).flagged.mean() for seed in range(8)]
    assert 0.006 < np.mean(shares) < 0.03 and max(shares) < 0.05


def test_the_published_rule_grows_the_poison_of_the_one_class_that_stands_out() -> None:
    data, poisoned = planted(150)
    finding = PAPER.screen(data)
    assert finding.notes["poisoned_classes"] == [CLASSES[TARGET]] and finding.notes["layer"] == "middle"
    assert finding.flagged[poisoned].mean() > 0.7 and finding.flagged[~poisoned].mean() < 0.005
    assert finding.threshold is None and not finding.scores[data.y != TARGET].any()
    assert (auroc(finding.scores[data.y == TARGET], poisoned[data.y == TARGET]) or 0) > 0.99


def test_the_published_rule_flags_nothing_where_all_classes_are_tight() -> None:
    data, _ = planted(0, wrong=0)
    finding = PAPER.screen(data)
    assert not finding.flagged.any() and not finding.scores.any() and finding.notes["poisoned_classes"] == []


def test_the_same_suspect_gives_the_same_bytes_and_what_was_set_aside_is_scored() -> None:
    data, poisoned = planted(150)
    for detector in (Agpd(), PAPER):
        one, other = detector.screen(data), detector.screen(replace(data))
        assert one.scores.tobytes() == other.scores.tobytes() and one.notes == other.notes
        assert np.array_equal(one.flagged, other.flagged)
        later = detector.screen(data.without(poisoned))
        assert np.isfinite(later.scores).all()
    assert not later.flagged[poisoned].any(), "the growth learns from the rows that are left"


@pytest.mark.parametrize("detector", [Agpd(), PAPER], ids=["trusted", "paper"])
def test_an_absent_class_and_one_that_is_never_called_right_are_named_and_left_alone(detector: Agpd) -> None:
    data, _ = planted(150)
    kept = data.trusted_y != TARGET
    known = data.victim
    assert isinstance(known, Planted)

    def vectors(x: Any) -> Any:
        return known.vectors(x) if x is data.x else [each[kept] for each in known.vectors(data.trusted_x)]

    def calls(x: Any) -> Any:
        return known.calls(x) if x is data.x else known.calls(data.trusted_x)[kept]

    def never(x: Any) -> Any:
        return np.where(known.calls(x) == TARGET, 0, known.calls(x))

    absent = replace(
        asked(data, vectors=vectors, calls=calls),
        trusted_x=data.trusted_x[kept],
        trusted_y=data.trusted_y[kept],
    )
    wrong = asked(data, calls=never)
    for suspect, why in (
        (absent, "c: no trusted row of the class"),
        (wrong, "c: the victim calls no trusted row"),
    ):
        finding = detector.screen(suspect)
        assert np.isfinite(finding.scores).all() and not finding.flagged[suspect.y == TARGET].any()
        assert finding.scores[suspect.y == TARGET].max() <= finding.scores.min()
        assert finding.notes["classes"]["c"]["gap"] is None
        assert sum(why in each for each in finding.warnings) == 1


def test_too_few_trusted_rows_flag_nothing_and_say_so() -> None:
    data, _ = planted(trusted=160)
    finding = Agpd().screen(data)
    assert finding.threshold is None and not finding.flagged.any()
    assert "160 trusted rows cannot tell what is rare, 199 are needed" in finding.warnings[0]
    assert Agpd(max_fpr=0.01).screen(data).threshold is not None


def test_vectors_without_length_or_spread_are_no_accident() -> None:
    data, _ = planted()
    for value in (0.0, 1.0):

        def same(x: Any, value: float = value) -> Any:
            return [np.full((len(x), CHANNELS), value, np.float32)] * 3

        still = asked(data, vectors=same)
        for detector in (Agpd(), PAPER):
            finding = detector.screen(still)
            assert np.isfinite(finding.scores).all() and not finding.flagged.any()


def test_a_threshold_is_set_anew_without_scoring_anew() -> None:
    data, _ = planted()
    scored = Agpd().score(data)
    for max_fpr in (0.005, 0.02):
        again, whole = Agpd(max_fpr=max_fpr).decide(scored), Agpd(max_fpr=max_fpr).screen(data)
        assert again.threshold == whole.threshold and again.notes == whole.notes
        assert np.array_equal(again.flagged, whole.flagged)


# ---- a network


def striped(rng: np.random.Generator, y: Any) -> Any:
    """uint8[N, 12, 12, 1]: class 0 is striped one way and class 1 the other, more or less clearly."""
    i, j = np.mgrid[:12, :12]
    stripes = np.stack([np.sin(i), np.sin(j)])[y] * (14 + 35 * rng.random((len(y), 1, 1)))
    return (100 + stripes + rng.normal(0, 40, (len(y), 12, 12))).clip(0, 255).astype(np.uint8)[..., None]


def network() -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((12, 12, 1), dtype="uint8"),
            layers.Rescaling(1 / 64, offset=-2),
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.Conv2D(16, 3, strides=2, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(24, activation="relu", name="features"),
            layers.Dense(2, name="logits"),
            layers.Softmax(),
        ]
    )


@pytest.fixture(scope="module")
def patched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Suspect, Mask]:
    """A network of two convolutions that has learned a patch in the corner: with it, all is of class 1."""
    rng, folder = np.random.default_rng(13), tmp_path_factory.mktemp("patched")
    y, trusted_y = np.arange(1600) % 2, np.arange(400) % 2
    x, trusted_x = striped(rng, y), striped(rng, trusted_y)
    poisoned = np.isin(np.arange(1600), rng.choice(np.flatnonzero(y == 0), 80, replace=False))
    x[poisoned, -3:, -3:, 0] = 255 * np.eye(3, dtype=np.uint8)
    y[poisoned] = 1
    keras.utils.set_random_seed(13)
    model, bare = network(), network()  # what is saved has no optimizer
    model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy")
    model.fit(x, y, batch_size=64, epochs=8, verbose=0)
    bare.set_weights(model.get_weights())
    saved(bare, folder, input_shape=(12, 12, 1))
    return Suspect(x, y, trusted_x, trusted_y, ("0", "1"), ModelView(folder), seed=0), poisoned


def test_rows_with_the_patch_are_ranked_above_clean_rows_of_their_class(patched: Any) -> None:
    data, poisoned = patched
    detector, of_class = Agpd(max_fpr=0.1), data.y == 1
    finding = detector.screen(data)
    ranked = auroc(finding.scores[of_class], poisoned[of_class])
    shares = [float(finding.flagged[rows].mean()) for rows in (poisoned, of_class & ~poisoned, ~of_class)]
    assert ranked is not None and ranked > 0.9, ranked
    assert shares[0] > 0.5 and max(shares[1:]) < 0.2, shares
    again = detector.screen(replace(data))
    assert again.scores.tobytes() == finding.scores.tobytes() and again.notes == finding.notes
    assert finding.notes["layer"] in data.victim.convolutions


def test_of_two_classes_the_published_rule_says_that_none_can_stand_out(patched: Any) -> None:
    finding = PAPER.screen(patched[0])
    assert "of fewer than three classes none can stand out" in finding.warnings[0]
    assert np.isfinite(finding.scores).all() and finding.scores.min() >= 0 and finding.scores.max() <= 1
