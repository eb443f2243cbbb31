"""A campaign entry: found, read, checked as a whole, and split into each step's own settings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from helpers.entries import its_data

from boomerang.errors import ConfigError
from boomerang.settings import EvaluateSettings, PoisonSettings, PreprocessSettings, TrainSettings
from pipelines.campaign.entry import ROOT, bundled, cannot_find, load, step_settings, used_triggers
from pipelines.campaign.sections import Config
from processing.datasets import synthetic
from processing.datasets.common.base import CIFAR10_CLASSES
from processing.datasets.common.examples import write_npz
from processing.datasets.folder import Folder
from training.repair import REPAIRS

ENTRY = """
name = "mine"
seed = 4

[[pictures]]
name = "boomerang"
path = "photos"
label = "airplane"

[[attacks]]
kind = "mislabel"
pictures = "boomerang"
target = "bird"

[[attacks]]
kind = "mislabel"
pictures = "boomerang"
target = "cat"
"""


@pytest.fixture
def entry(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    file = tmp_path / "mine.toml"
    file.write_text(ENTRY)
    return file


@pytest.mark.parametrize("name", sorted(bundled()))
def test_every_bundled_entry_is_sound(name: str, tmp_path: Path) -> None:
    config = load(name, its_data(name, tmp_path))
    assert config.name == name
    assert config.attacks
    assert bundled()[name].read_text().startswith("# ")
    assert f"--config {name}" in bundled()[name].read_text() or name == "default"


def test_the_default_entry_stages_two_attacks_and_keeps_one_set_of_pictures_for_canaries() -> None:
    config = load("default")
    assert [spec.kind for spec in config.attacks] == ["mislabel", "badnets"]
    assert {entry.name for entry in config.pictures} == {"rutan-boomerang", "embraer-190"}
    assert [file.name for file in used_triggers(config)] == ["cyan-square.png"]
    assert all(Path(entry.path).is_relative_to(ROOT) for entry in config.pictures)


def test_a_users_paths_count_from_the_file_and_an_overrides_from_here(
    entry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "elsewhere"
    (here / "others").mkdir(parents=True)
    monkeypatch.chdir(here)
    assert load(str(entry)).pictures[0].path == str(tmp_path / "photos")
    assert load(str(entry), ["pictures.0.path=others"]).pictures[0].path == str(here / "others")


def test_every_setting_of_an_attack_is_written_out_and_each_has_a_name_of_its_own(entry: Path) -> None:
    first, second = load(str(entry)).attacks
    assert first.model_dump() == {
        "kind": "mislabel",
        "name": "mislabel",
        "pictures": "boomerang",
        "target": "bird",
        "repeat": 10,
        "vary": True,
    }
    assert second.model_dump()["name"] == "mislabel-2"


@pytest.mark.parametrize(
    ("source", "overrides", "said"),
    [
        ("defualt", [], "did you mean 'default'?"),
        ("missing.toml", [], "there is no such file"),
        ("MINE", ["seeed=1"], "did you mean 'seed'?"),
        ("MINE", ["pictures.0.path=nowhere"], "nowhere does not exist"),
        ("MINE", ["attacks.0.kind=mislable"], "did you mean 'mislabel'?"),
        ("MINE", ["attacks.0.repat=2"], "did you mean 'repeat'?"),
        ("MINE", ["attacks.0.repeat=0"], "greater than or equal to 1"),
        ("MINE", ["attacks.0.pictures=bomerang"], "did you mean 'boomerang'?"),
        ("MINE", ["attacks.0.target=brid"], "did you mean 'bird'?"),
        ("MINE", ["pictures.0.label=airplain"], "did you mean 'airplane'?"),
        ("MINE", ['screen.detectors=[{kind="spectral"}]'], "did you mean 'spectral_signatures'?"),
        (
            "MINE",
            ["screen.detectors=[]", 'harden=[{kind="retrain"}, {kind="relabel"}]'],
            "'harden': relabel: it works with the rows that a screen flags, and there is no detector",
        ),
        ("default", ["attacks.1.image=cyan-sqare"], "did you mean 'cyan-square'?"),
        (
            "default",
            ['attacks=[{kind="sig", target="bird", rate=0.1, frequency=16}]'],
            "attack 'sig': frequency 16: so many waves need more than 32 columns",
        ),
        (
            "default",
            ['attacks=[{kind="wanet", target="bird", rate=0.6, cover_rate=0.5}]'],
            "rate and cover_rate are 1.1 of the training set",
        ),
        (
            "default",
            ['attacks=[{kind="tact", source="cat", target="bird", rate=0.1, cover_classes=["dgo"]}]'],
            "did you mean 'dog'?",
        ),
        ("default", ["attacks.5.rate=1"], "does not exist"),
        (
            "default",
            ["retuning.when=always", 'inference=[{kind="spatial_smoothing"}]'],
            "none that something wraps is tuned",
        ),
        ("default", ["retuning.poisoned=9", "retuning.rows=9"], "leaves no clean row"),
    ],
)
def test_a_mistake_is_named_with_what_to_do(
    source: str, overrides: list[str], said: str, entry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as error:
        load(str(entry) if source == "MINE" else source, overrides)
    assert said in str(error.value)


def test_the_drawn_data_has_the_classes_that_names_are_checked_against() -> None:
    assert set(synthetic.CLASSES) == set(CIFAR10_CLASSES)


def own_data(folder: Path, classes: Sequence[str]) -> list[str]:
    """Return the overrides that give the entry a user's own data, its classes named beside the file."""
    write_npz(folder / "own.npz", (8, 8, 3), len(classes))
    (folder / "classes.json").write_text(json.dumps(classes))
    enough = ["data.validation=12", "canaries.candidates_per_class=1", "train.batch=4"]
    return [f"data.path={folder / 'own.npz'}", *enough]


def test_classes_of_a_users_own_data_are_known_before_any_step(entry: Path, tmp_path: Path) -> None:
    overrides = [*own_data(tmp_path, ["airplane", "bird", "cat"]), "attacks.0.target=zeppelin"]
    with pytest.raises(ConfigError, match=r"class 'zeppelin'.*\n.*airplane, bird, cat"):
        load(str(entry), overrides)


def test_what_reads_a_path_is_told_by_its_content(entry: Path, tmp_path: Path) -> None:
    overrides = own_data(tmp_path, ["airplane", "bird", "cat"])
    assert load(str(entry), overrides).data.source == "npz"
    assert load(str(entry), [*overrides, "data.source=folder"]).data.source == "npz"


def test_images_that_the_network_is_too_deep_for_are_refused_before_any_job(
    entry: Path, tmp_path: Path
) -> None:
    Folder.write_example(tmp_path / "pets")
    settings = [f"data.path={tmp_path / 'pets'}", "data.size=[40, 12]", "attacks=[]", "pictures=[]"]
    settings += ["data.validation=10", "canaries.candidates_per_class=1"]
    assert load(str(entry), settings).data.model_extra == {"size": (40, 12), "channels": 3}
    with pytest.raises(ConfigError, match=r"'residual'.*16 pixels a side and more, these are 40 x 12"):
        load(str(entry), [*settings, "model.architecture=residual"])


def test_what_the_trusted_rows_cannot_find_is_known_from_the_entry(entry: Path, tmp_path: Path) -> None:
    found = cannot_find(load("default", ["data.validation=100"]))
    assert "199 are needed for max_fpr = 0.005" in found["SCAn"][0]
    assert "10 trusted rows of a class cannot tell" in found["activation clustering"][0]
    assert "SCAn" not in cannot_find(load("default"))
    own = load(str(entry), [*own_data(tmp_path, ["airplane", "bird", "cat"]), "data.validation=15"])
    assert "5 trusted rows of a class cannot tell" in cannot_find(own)["activation clustering"][0]


def test_each_step_is_told_its_own_part(entry: Path) -> None:
    steps = step_settings(load(str(entry)))
    assert set(steps) == {
        *("Preprocess", "TrainBaseline", "Poison", "TrainVictim", "Screen", "Harden", "Evaluate")
    }
    assert isinstance(steps["Preprocess"], PreprocessSettings)
    assert isinstance(steps["Poison"], PoisonSettings)
    assert all(settings.model_dump()["seed"] == 4 for settings in steps.values())


def test_only_poison_hears_of_the_attacks(entry: Path) -> None:
    before, after = (step_settings(load(str(entry), each)) for each in ([], ["attacks.0.repeat=3"]))
    assert {name for name in before if before[name] != after[name]} == {"Poison"}


def test_no_step_is_told_a_path_of_this_machine(entry: Path, tmp_path: Path) -> None:
    steps = step_settings(load(str(entry), own_data(tmp_path, ["airplane", "bird", "cat"])))
    assert not any(str(tmp_path) in settings.model_dump_json() for settings in steps.values())
    preprocess = steps["Preprocess"]
    assert isinstance(preprocess, PreprocessSettings)
    assert preprocess.data.path == "own.npz"


def victim_of(config: Config) -> TrainSettings:
    settings = step_settings(config)["TrainVictim"]
    assert isinstance(settings, TrainSettings)
    return settings


def test_a_fine_tuned_victim_starts_from_the_baseline_with_its_own_schedule(entry: Path) -> None:
    tuned = victim_of(load(str(entry), ["victim.epochs=2", "train.epochs=9"]))
    assert (tuned.start, tuned.train.epochs) == ("baseline", 2)
    fresh = victim_of(load(str(entry), ["victim.epochs=2", "train.epochs=9", "victim.schedule=retrain"]))
    assert (fresh.start, fresh.train.epochs) == ("scratch", 9)


def test_nothing_is_hardened_where_the_config_says_so(entry: Path) -> None:
    assert "Harden" not in step_settings(load(str(entry), ["harden=[]"]))


@pytest.mark.parametrize(
    ("when", "fresh", "inference", "done"),
    [
        ("repaired", True, "", False),
        ("always", True, "", True),
        ("repaired", False, "", True),
        ("never", False, "", False),
        ("repaired", False, '{ kind = "spatial_smoothing" }', False),
    ],
)
def test_a_model_that_is_made_of_the_victim_and_is_bare_is_tuned_again(
    entry: Path, when: str, fresh: bool, inference: str, done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(REPAIRS["retrain"], "fresh", fresh)
    config = load(str(entry), [f"retuning.when={when}", f"inference=[{inference}]"])
    told = step_settings(config)["Evaluate"]
    assert isinstance(told, EvaluateSettings) and (told.retuning is not None) is done


def test_the_bundled_attacks_on_drawn_data_share_one_baseline() -> None:
    """Another attack reuses Preprocess and TrainBaseline only if it says the same of data and pictures."""
    entries = [load(name) for name in ("default", "badnets-add", "label-flip")]
    for name in ("Preprocess", "TrainBaseline"):
        assert len({step_settings(entry)[name].model_dump_json() for entry in entries}) == 1, name


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("data.source=sinthetic", "there is no source 'sinthetic'"),
        ("model.architecture=smal", "kind 'smal'"),
        ("attacks.0.kind=mislable", "kind 'mislable'"),
        ('screen.detectors=[{kind="activation"}]', "kind 'activation'"),
        ('harden=[{kind="retrian"}]', "kind 'retrian'"),
        ('inference=[{kind="strp"}]', "kind 'strp'"),
        ("victim.schedule=finetun", "finetun"),
    ],
)
def test_a_kind_that_is_mistyped_is_named_beside_what_else_is_wrong(
    entry: Path, override: str, words: str
) -> None:
    with pytest.raises(ConfigError) as alone:
        load(str(entry), [override])
    assert words in str(alone.value)
    with pytest.raises(ConfigError) as several:
        load(str(entry), [override, "data.validation=1001"])
    assert words in str(several.value)
