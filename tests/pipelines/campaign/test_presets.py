"""The training settings of an entry: what it says, else what its network recommends, and what is refused."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import pytest

from boomerang.config import Spec
from boomerang.errors import ConfigError
from boomerang.settings import TrainConfig
from pipelines.campaign import presets
from pipelines.campaign.entry import BASELINE, HARDEN, VICTIM, load, step_settings
from pipelines.campaign.sections import VictimConfig
from training.architectures import ARCHITECTURES
from training.architectures.common.base import Architecture


class Quick(Architecture):
    """A network with a recipe."""

    title, words, stride = "quick", "none", 4
    recipe: ClassVar = {"optimizer": "sgd", "learning_rate": 0.8, "epochs": 3, "sizes": (16, 16, 32)}

    kind: Literal["quick"] = "quick"

    def build(self, input_shape: tuple[int, int, int], classes: int) -> Any:
        raise NotImplementedError


class Fixed(Quick):
    """One that takes images of one size."""

    stride = 0


@pytest.mark.parametrize(
    ("rows", "said", "batch", "epochs"),
    [
        (0, {}, 128, 5),
        (5_120, {}, 128, 5),
        (4_900, {}, 32, 5),
        (2_000, {}, 32, 5),
        (520, {}, 32, 12),
        (60, {}, 15, 50),
        (6, {}, 1, 34),
        (2, {}, 1, 100),
        (520, {"batch": 128}, 128, 40),
        (520, {"epochs": 2}, 128, 2),
    ],
)
def test_few_rows_are_learned_from_for_longer(
    rows: int, said: dict[str, int], batch: int, epochs: int
) -> None:
    architecture = ARCHITECTURES.create(Spec(kind="small"))
    train = presets.whole(TrainConfig.model_validate(said), architecture, rows)
    assert (train.batch, train.epochs) == (batch, epochs)
    assert presets.whole(TrainConfig(), Quick(), rows).epochs == 3, "its network knows better"


def test_what_the_network_recommends_stands_where_the_entry_says_nothing() -> None:
    train = presets.whole(TrainConfig(learning_rate=0.5, batch=256), Quick())
    assert (train.optimizer, train.epochs, train.sizes) == ("sgd", 3, (16, 16, 32))
    assert (train.learning_rate, train.batch) == (0.5, 256), "what the entry says stands"
    assert presets.whole(TrainConfig(optimizer="adam"), Quick()).optimizer == "adam", "a default too, if said"


def test_a_new_head_learns_at_the_peak_and_a_fine_tune_at_a_tenth() -> None:
    train = presets.whole(TrainConfig(), Quick())
    rates = {
        schedule: presets.fine_tuning(VictimConfig(schedule=schedule), train).learning_rate
        for schedule in ("finetune", "transfer")
    }
    assert rates == {"finetune": pytest.approx(0.08), "transfer": 0.8}


def test_recommended_sizes_are_for_the_recommended_number_of_epochs() -> None:
    assert presets.whole(TrainConfig(epochs=2), Quick()).sizes == ()
    assert presets.whole(TrainConfig(epochs=3), Quick()).sizes == (16, 16, 32)
    assert presets.whole(TrainConfig(sizes=(8, 16, 32)), Quick()).sizes == (8, 16, 32), "3 epochs are its own"
    assert presets.whole(TrainConfig(epochs=1, sizes=(8,)), Quick()).sizes == (8,)


@pytest.mark.parametrize(
    ("said", "network", "words"),
    [
        ({"momentum": 0.8}, Fixed, r"train.momentum"),
        ({"optimizer": "adam", "momentum": 0.8}, Quick, r"train.momentum"),
        ({"epochs": 2, "sizes": (16, 32)}, Fixed, r"'train.sizes'.*(?s:.*)images of one size only"),
        ({"epochs": 2, "sizes": (18, 32)}, Quick, r"'train.sizes'.*(?s:.*)multiples of 4, one is 18"),
        ({"sizes": (16, 16, 16, 16)}, Quick, r"4 values for 3 epochs"),
    ],
)
def test_what_does_not_fit_is_refused(said: dict[str, Any], network: type[Quick], words: str) -> None:
    if network is Fixed and "momentum" in said:
        said = {**said, "optimizer": "adam"}
    with pytest.raises(ConfigError, match=words):
        presets.whole(TrainConfig(**said), network())


def test_more_in_a_batch_than_there_are_rows_is_refused_in_the_entry() -> None:
    with pytest.raises(ConfigError, match=r"'train.batch'.*(?s:.*)more than the 100 rows of data.train"):
        load("default", ["data.train=100"])
    assert load("default", ["data.train=100", "train.batch=100"]).train.batch == 100


def test_the_baseline_has_the_rows_of_the_past_alone() -> None:
    past = ["data.train=400", "data.history=100"]
    with pytest.raises(ConfigError, match=r"'train.batch'.*(?s:.*)more than the 100 rows of data.history"):
        load("default", past)
    assert load("default", [*past, "train.batch=100"]).data.delivered == 300


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (["data.history=105"], "'data.history' 105: it is no multiple of the 10 classes"),
        (["data.history=5", "train.batch=5"], "'data.history' 5.*(?s:.*)take 10"),
        (["data.history=400"], "history = 400 leaves none of the 400 rows of train"),
        (["data.history=390", "data.train=395"], "it leaves 5 of the 395 rows of data.train for 10 classes"),
    ],
)
def test_rows_of_the_past_that_cannot_be_set_apart_are_refused(said: list[str], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load("default", ["data.train=400", "train.batch=32", *said])


def test_each_training_is_told_whole_numbers_and_the_fine_tune_its_own() -> None:
    entry = load("default", ["model.architecture=residual", "train.optimizer=sgd", "train.learning_rate=0.4"])
    steps: dict[str, Any] = step_settings(entry)
    assert steps[BASELINE].train == steps[HARDEN].train == entry.train
    tuned = steps[VICTIM].train
    assert (tuned.epochs, tuned.sizes) == (entry.victim.epochs, ()) and tuned.optimizer == "sgd"
    assert tuned.learning_rate == pytest.approx(0.04), "a tenth of the peak from scratch"


def test_a_fine_tune_has_the_rate_that_the_entry_gives_it() -> None:
    sgd, adam = TrainConfig(optimizer="sgd", learning_rate=0.5), TrainConfig()
    assert presets.fine_tuning(VictimConfig(learning_rate=3e-3), sgd).learning_rate == 3e-3
    assert presets.fine_tuning(VictimConfig(), adam).learning_rate == 3e-3
    assert presets.tuned(TrainConfig(epochs=2, sizes=(8, 16)), VictimConfig()).epochs == 3


SVM = ["model.architecture=svm", "victim.schedule=retrain"]


def test_of_a_network_that_is_solved_at_once_nothing_of_the_training_is_in_any_steps_settings() -> None:
    """Neither a batch beyond the rows nor the key of a step hangs on what it takes no notice of."""
    config = load("default", [*SVM, "data.train=100", "train.batch=128", "train.epochs=77"])
    assert config.train == TrainConfig()
    told, plain = (step_settings(each) for each in (config, load("default", [*SVM, "data.train=100"])))
    assert told == plain
    assert told[VICTIM].start == told[HARDEN].start == "scratch"


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["victim.schedule=finetune"], "cannot go on from a model"),
        (["victim.schedule=transfer"], "cannot go on from a model"),
        (["data.train=10010"], "10,010 rows: the network 'svm' can learn from 10,000 at most"),
    ],
)
def test_what_a_network_that_is_solved_at_once_cannot_do_is_refused_in_the_entry(
    overrides: list[str], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        load("default", [*SVM, *overrides])


def test_an_attack_between_two_classes_needs_two_in_the_entry() -> None:
    recipe = 'attacks=[{kind = "svm_optimal", rate = 0.1}]'
    with pytest.raises(ConfigError, match="the data has 10 classes"):
        load("label-flip", [recipe])
    found = load("label-flip", [recipe, 'data.classes=["airplane", "cat"]'])
    assert found.attacks[0].kind == "svm_optimal" and found.data.classes == ("airplane", "cat")
