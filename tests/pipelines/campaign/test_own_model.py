"""A model of one's own in an entry: what each training is told, and what is refused before any job."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from helpers.foreign_models import network, write_keras_2

from boomerang.errors import BadInput, ConfigError
from boomerang.settings import GivenFile, TrainConfig, TrainSettings
from pipelines.campaign.entry import load, step_settings
from pipelines.campaign.site import LOCAL
from pipelines.campaign.staging import stage

ENTRY = """
[data]
source = "synthetic"
classes = ["airplane", "bird", "cat", "dog", "frog", "ship"]
validation = 60
[train]
epochs = 7
[given]
path = "own.h5"
"""
FILE = GivenFile(path="own.h5")


@pytest.fixture
def entry(tmp_path: Path) -> Path:
    write_keras_2(tmp_path / "own.h5", network())
    (tmp_path / "own.toml").write_text(ENTRY)
    return tmp_path / "own.toml"


def told(entry: Path, *overrides: str) -> dict[str, TrainSettings]:
    settings = step_settings(load(str(entry), overrides))
    return {name: each for name, each in settings.items() if isinstance(each, TrainSettings)}


def outline(settings: dict[str, TrainSettings]) -> dict[str, tuple[str, str, bool]]:
    return {
        name: (each.start, each.model.architecture, each.given is not None) for name, each in settings.items()
    }


def test_as_the_baseline_it_is_taken_and_the_victim_goes_on_from_it(entry: Path) -> None:
    settings = told(entry)
    assert outline(settings) == {
        "TrainBaseline": ("given", "as_given", True),
        "TrainVictim": ("baseline", "as_given", False),
        "Harden": ("scratch", "as_given", True),
    }
    assert settings["TrainBaseline"].given == FILE
    assert settings["TrainBaseline"].train == TrainConfig(), "nothing is trained: the key hangs on no [train]"
    assert settings["Harden"].train.epochs == 7


def test_as_the_victim_it_is_taken_and_its_network_trained_for_the_baseline(entry: Path) -> None:
    assert outline(told(entry, "given.role=victim", "harden=[{kind='clp'}]")) == {
        "TrainBaseline": ("scratch", "as_given", True),
        "TrainVictim": ("given", "as_given", True),
        "Harden": ("victim", "as_given", True),
    }


def test_another_architecture_is_that_of_what_is_trained_from_scratch_alone(entry: Path) -> None:
    other = "model.architecture=lenet"
    assert outline(told(entry, other)) == {
        "TrainBaseline": ("given", "as_given", True),
        "TrainVictim": ("baseline", "as_given", False),
        "Harden": ("scratch", "lenet", False),
    }
    assert outline(told(entry, other, "victim.schedule=retrain", "harden=[{kind='clp'}]")) == {
        "TrainBaseline": ("given", "as_given", True),
        "TrainVictim": ("scratch", "lenet", False),
        "Harden": ("victim", "lenet", False),
    }
    svm = outline(told(entry, "model.architecture=svm", "harden=[{kind='clp'}]"))
    assert svm["TrainVictim"] == ("baseline", "as_given", False) and svm["Harden"][1] == "as_given"


def test_without_one_no_step_is_told_of_it() -> None:
    settings = step_settings(load("default"))
    assert not any("given" in each.model_dump(mode="json") for each in settings.values())
    assert stage(load("default"), LOCAL).given is None


def test_the_file_is_staged_by_its_content_where_nothing_else_is(entry: Path) -> None:
    before = stage(load(str(entry)), LOCAL)
    assert before.given is not None and before.given.startswith(f"{LOCAL.root}/inputs/given/")
    assert before.staged[f"{before.given}/own.h5"] == entry.with_name("own.h5")
    assert before.digest(before.given) == before.given.rpartition("/")[2]
    write_keras_2(entry.with_name("own.h5"), network(seed=1))
    assert stage(load(str(entry)), LOCAL).given != before.given


def test_an_option_is_short_for_its_key_and_counts_from_here(
    entry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipelines.cli.main import parser  # the command line's own words

    monkeypatch.chdir(entry.parent)
    words = ["run", "--config", "own.toml", "--model", "./own.h5", "--model-as", "victim", "--set", "seed=3"]
    options = parser().parse_args(words)
    assert options.overrides == ["given.path=./own.h5", "given.role=victim", "seed=3"]
    given = load("own.toml", options.overrides).given
    assert (given.path, given.role) == (str(entry.with_name("own.h5")), "victim")


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["given.path=nowhere.h5"], r"'given\.path'.*nowhere\.h5 does not exist"),
        (["given.role=teacher"], r"given\.role"),
        (["given.scale=255"], r"given\.scale"),
        (["given.features=nothing"], "feature layer 'nothing'"),
        (["data.classes=['cat', 'dog']"], "model own.h5: it has 6 outputs, and the data has 2 classes"),
        (
            ["given.role=victim", "attacks=[{kind='adversarial_embedding', target='cat', rate=0.1}]"],
            r"'given\.role' victim: the attack 'adversarial_embedding' trains the victim",
        ),
    ],
)
def test_what_cannot_be_is_said_before_any_job(overrides: list[str], said: str, entry: Path) -> None:
    with pytest.raises((BadInput, ConfigError), match=said):
        load(str(entry), overrides)


@pytest.mark.parametrize("words", [["given.scale=0..1"], ["model.architecture=as_given"]])
def test_what_is_said_of_no_model_is_refused(words: list[str]) -> None:
    with pytest.raises(ConfigError, match=r"--model FILE"):
        load("default", words)


def test_what_tensorflow_says_when_it_is_loaded_is_kept_from_the_terminal(capfd: Any) -> None:
    from pipelines.campaign.own_model import _no_chatter

    with _no_chatter():
        os.write(2, b"oneDNN custom operations are on")
    os.write(2, b"ours")
    assert capfd.readouterr().err == "ours"
