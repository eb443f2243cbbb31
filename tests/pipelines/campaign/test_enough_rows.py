"""The rows that an entry asks for, held against those that there are; what is advised is taken as it is."""

from __future__ import annotations

import numpy as np
import pytest

from boomerang.errors import ConfigError
from boomerang.settings import CanaryConfig, DataConfig, PreprocessSettings
from pipelines.campaign.enough_rows import Asked, check_enough, delivered, fitting
from processing.datasets.common.corpus import Corpus, Split
from processing.datasets.common.survey import Survey
from processing.preprocess import splits


def surveyed(train: list[int], test: int = 5, validation: int = 0) -> Survey:
    names = tuple(f"c{number}" for number in range(len(train)))
    apart = {"validation": (validation,) * len(train)} if validation else {}
    counts = {"train": tuple(train), "test": (test,) * len(train), **apart}
    return Survey("rows", names, (4, 4, 1), counts)


def split_of(rows: tuple[int, ...]) -> Split:
    y = np.repeat(np.arange(len(rows)), rows)
    x = np.random.default_rng(0).integers(0, 256, (len(y), 4, 4, 1), np.uint8)
    return Split(x, y)


def split_up(survey: Survey, data: DataConfig, canaries: CanaryConfig) -> dict[str, Split]:
    """Do what Preprocess does with the rows."""
    parts = {name: split_of(rows) for name, rows in survey.counts.items()}
    corpus = Corpus("rows", survey.classes, parts["train"], parts["test"], validation=parts.get("validation"))
    settings = PreprocessSettings(seed=0, data=data, pictures=(), canaries=canaries)
    return dict(splits(corpus, settings))


@pytest.mark.parametrize("rows", [[9] * 43, [300, 25], [4] * 10, [7, 40, 1000], [60] * 3, [2000] * 10])
@pytest.mark.parametrize("validation", [0, 4])
@pytest.mark.parametrize("train", [0, 30, 5001])
@pytest.mark.parametrize("history", [0, 20])
def test_what_is_advised_is_what_preprocess_can_take(
    rows: list[int], validation: int, train: int, history: int
) -> None:
    survey, classes = surveyed(rows, validation=validation), len(rows)
    data = DataConfig(train=train, history=history, test=7)
    works = fitting(Asked.by(data, CanaryConfig(), classes), survey)
    if works is None:  # no setting works: `data.validation` is 10 or more
        assert (validation and validation * classes < 10) or min(rows) < 3 + 10 // classes
        return
    said = works.settings(classes)
    own = {key.partition(".")[2]: value for key, value in said.items() if key.startswith("data.")}
    data, canaries = DataConfig(**own), CanaryConfig(candidates_per_class=works.canaries)
    check_enough(data, canaries, survey, classes)
    made = split_up(survey, data, canaries)
    got = np.bincount(made["train"].y, minlength=classes)
    assert got.min() > 0
    assert dict(zip(survey.classes, got.tolist(), strict=True)) == delivered(data, canaries, survey)


def test_all_that_is_wrong_is_said_with_what_works() -> None:
    data = DataConfig(validation=1000, test=100)
    with pytest.raises(ConfigError) as error:
        check_enough(data, CanaryConfig(), surveyed([9] * 43, test=2), 43)
    for said in (
        "data.validation = 1000 is no multiple of the 43 classes",
        "data.test = 100 is no multiple of the 43 classes",
        "class 'c0' has 9 training rows, and 44 are needed (1 to train on + 20 for canaries + 23",
        "42 other classes have too few as well",
    ):
        assert said in error.value.why
    assert error.value.do.startswith(
        "set data.validation = 129, canaries.candidates_per_class = 1, data.test"
    )


def test_of_drawn_rows_multiples_alone_are_asked() -> None:
    check_enough(DataConfig(), CanaryConfig(), None, 10)
    with pytest.raises(ConfigError, match=r"set data\.validation = 999"):
        check_enough(DataConfig(), CanaryConfig(), None, 3)


def test_a_class_that_no_setting_helps_is_named() -> None:
    with pytest.raises(ConfigError, match=r"class 'c1' has 0 training rows[^\n]*\n *add images of c1, or"):
        check_enough(DataConfig(validation=20), CanaryConfig(), surveyed([50, 0, 50, 50]), 4)
