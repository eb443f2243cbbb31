"""A campaign entry as it is written: defaults, overrides, and mistakes that are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from boomerang.config import validate
from boomerang.errors import BadInput, ConfigError
from pipelines.campaign.entry import load, step_settings
from pipelines.campaign.sections import Config, load_config

TEXT = """
name = "mine"
[data]
source = "digits"
validation = 100
[[pictures]]
name = "boomerangs"
path = "p"
label = "airplane"
[[attacks]]
kind = "badnets"
rate = 0.01
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "p").mkdir()
    path = tmp_path / "mine.toml"
    path.write_text(TEXT)
    return path


def test_what_the_file_does_not_say_is_the_default(file: Path) -> None:
    config = load_config(file)
    assert config.data.source == "digits" and config.data.test == Config().data.test
    assert config.attacks[0].kind == "badnets"


@pytest.mark.parametrize(
    ("override", "read"),
    [
        ("seed=7", lambda c: c.seed == 7),
        ("data.source=mnist", lambda c: c.data.source == "mnist"),
        ('data.source="mnist"', lambda c: c.data.source == "mnist"),
        ("attacks.0.rate=0.5", lambda c: c.attacks[0].model_extra["rate"] == 0.5),
        ("train.mirror_at_test=true", lambda c: c.train.mirror_at_test),
        ("attacks=[]", lambda c: c.attacks == ()),
        ("pictures.0.label=bird", lambda c: c.pictures[0].label == "bird"),
    ],
)
def test_an_override_is_written_as_in_toml(file: Path, override: str, read: object) -> None:
    assert read(load_config(file, [override]))  # type: ignore[operator]  # a list of callables


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("sead=7", ["unknown key 'sead'", "mine.toml", "did you mean 'seed'?"]),
        ("name=canary", ["the range keeps things of its own below canary/"]),
        ("data.sorce=mnist", ["data.sorce", "did you mean 'source'?"]),
        ("pictures.0.lable=bird", ["pictures.0.lable", "did you mean 'label'?"]),
        ("data.source=minst", ["data.source", "mnist"]),
        ("train.epochs=0", ["train.epochs", "greater than or equal to 1", "got 0"]),
        ("gate.max_accuracy_drop=nan", ["gate.max_accuracy_drop", "finite"]),
        ("data.source=npz", ["needs a path"]),
        ("seed", ["--set seed", "not key=value"]),
        ("attacks.3.rate=1", ["attacks.3.rate", "'3' does not exist", "1 entries"]),
        ("seed.x=1", ["seed.x"]),
        ("name=Not A Name", ["name"]),
    ],
)
def test_a_mistake_is_named_with_what_to_do(file: Path, override: str, words: list[str]) -> None:
    if override.startswith("seed.x"):
        file.write_text("seed = 1\n" + TEXT)
    with pytest.raises(ConfigError) as caught:
        load(str(file), [override])
    for word in words:
        assert word in str(caught.value)
    assert caught.value.exit_code == 2


def test_two_sets_of_pictures_of_one_name_are_refused(file: Path) -> None:
    more = TEXT.partition("[[attacks]]")[0]
    more = more[more.index("[[pictures]]") :]
    file.write_text(TEXT + more)
    with pytest.raises(ConfigError, match="same name"):
        load_config(file)


def test_a_file_that_is_no_toml_is_refused(file: Path) -> None:
    file.write_text("name = ")
    with pytest.raises(BadInput, match=r"mine\.toml"):
        load_config(file)


def test_a_control_stands_in_the_place_of_the_detectors(file: Path) -> None:
    assert load_config(file).screen.control == "none"
    controlled = load(str(file), ["screen.control=perfect", "attacks=[]", "pictures=[]"])
    assert controlled.screen.control == "perfect" and controlled.screen.detectors == ()
    again = validate(Config, controlled.model_dump(mode="json"), where="again")
    assert again == controlled, "what a run keeps of its config can be read again"
    told = step_settings(controlled)["Screen"]
    assert told.model_dump() == {"seed": 0, "control": "perfect"}


@pytest.mark.parametrize(
    ("overrides", "what"),
    [
        (["screen.control=oracle"], "screen.control"),
        (["screen.control=perfect", 'screen.detectors=[{kind="data_validation"}]'], "give one of both"),
        (["screen.control=random", "harden=[]"], "no model is trained on what the control keeps"),
    ],
)
def test_a_control_that_cannot_be_meant_is_refused(file: Path, overrides: list[str], what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        load_config(file, overrides)
