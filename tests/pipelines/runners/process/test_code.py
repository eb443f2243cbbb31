"""Which code a step runs, and so what changes its key in the cache."""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from helpers.ranges import ROOT

from boomerang.config import Strict, as_hyperparameters
from boomerang.digest import canonical_json
from boomerang.settings import TrainSettings
from pipelines.campaign.entry import load, step_settings
from pipelines.language.job_plan import Plan, Source
from pipelines.runners.process.cache_recipe import code_of_job
from pipelines.runners.process.code import code_of
from pipelines.runs.storage import Store


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def test_code_is_followed_through_every_kind_of_import(tmp_path: Path) -> None:
    files = {
        "processing/__init__.py": "",
        "processing/main.py": "import json, numpy.linalg\nfrom . import near\n"
        "def late():\n    import training.deep.far\n",
        "processing/near.py": "from .things import *\nimport importlib\n"
        "importlib.import_module('lazy.one')\n",
        "processing/things/__init__.py": "from processing.things.a import A\n",
        "processing/things/a.py": "from pathlib import Path\nA = Path(__file__).with_name('mesh.obj')\n",
        "processing/things/mesh.obj": "v 0 0 0\n",
        "processing/unused.py": "import keras\n",
        "training/__init__.py": "",
        "training/deep/__init__.py": "",
        "training/deep/far.py": "import keras.layers\n",
        "lazy/one.py": "",
        "lazy/two.py": "",
        "registry/__init__.py": "from importlib import import_module\n"
        "def get(name):\n    return import_module(name)\n",
        "registry/found.py": "import processing.unused\n",
    }
    write(tmp_path, files)
    code = code_of("processing.main", tmp_path)
    assert set(code.files) == {
        *(f"processing/{name}" for name in ("__init__.py", "main.py", "near.py")),
        *(f"processing/things/{name}" for name in ("__init__.py", "a.py", "mesh.obj")),
        *("training/__init__.py", "training/deep/__init__.py", "training/deep/far.py", "lazy/one.py"),
    }
    assert {"json", "numpy", "keras"} <= code.libraries
    # An import whose name is computed may be of anything beside it.
    assert "processing/unused.py" in code_of("registry", tmp_path).files


def test_data_belongs_to_who_reads_what_lies_beside_it(tmp_path: Path) -> None:
    write(tmp_path, {"aws/__init__.py": "", "aws/job.py": "import json\n", "aws/template.yaml": "a: 1\n"})
    assert set(code_of("aws.job", tmp_path).files) == {"aws/__init__.py", "aws/job.py"}
    write(tmp_path, {"aws/job.py": "from importlib.resources import files\n"})
    assert "aws/template.yaml" in code_of("aws.job", tmp_path).files


# A package of kinds as boomerang/kinds.py describes it, with what its modules import.
KINDS = {
    "boomerang/__init__.py": "",
    "boomerang/kinds.py": (ROOT / "boomerang/kinds.py").read_text(),
    "boomerang/errors.py": "",
    "boomerang/config.py": "",
    "boomerang/unused.py": "",
    "processing/__init__.py": "",
    "processing/step.py": "from processing.tricks import TRICKS\n",
    "processing/tricks/__init__.py": "from boomerang.kinds import Kinds\nfrom processing.tricks.common.base "
    "import Trick\n\nTRICKS = Kinds(__name__, Trick, 'trick')\n",
    "processing/tricks/common/__init__.py": "",
    "processing/tricks/common/base.py": "class Trick: pass\n",
    "processing/tricks/common/paint.py": "import PIL\n",
    "processing/tricks/loud.py": "from processing.tricks.common import paint\n",
    "processing/tricks/quiet.py": "import keras\n",
    "processing/tricks/_notes.py": "",
}


def tricks(project: Path, named: Collection[str] | None) -> set[str]:
    """The files of the step in the package of kinds, without those of every step."""
    files = set(code_of("processing.step", project, named).files)
    assert "boomerang/unused.py" not in files, "kinds.py imports what is asked of it, not its own package"
    every = {"__init__", "common/__init__", "common/base"}
    return {
        file.removeprefix("processing/tricks/").removesuffix(".py")
        for file in files
        if file.startswith("processing/tricks/")
    } - every


def test_of_a_package_of_kinds_those_count_that_are_named(tmp_path: Path) -> None:
    write(tmp_path, KINDS)
    assert tricks(tmp_path, []) == set()
    assert tricks(tmp_path, ["loud", "word", "__init__", "_notes", "common"]) == {"loud", "common/paint"}
    assert tricks(tmp_path, ["quiet"]) == {"quiet"}
    assert "keras" not in code_of("processing.step", tmp_path, ["loud"]).libraries
    assert tricks(tmp_path, None) == {"loud", "common/paint", "quiet"}, "where nothing is known all may be"


@pytest.mark.parametrize(
    ("call", "read"),
    [
        ("import boomerang.kinds\nTRICKS = boomerang.kinds.Kinds(__name__, object, 'trick')\n", True),
        ("from boomerang.kinds import Kinds\nTRICKS: Kinds[int] = Kinds[int](__name__, int, 'x')\n", True),
        ("from boomerang.kinds import Kinds\nTRICKS = Kinds('processing' + '.tricks', int, 'x')\n", False),
        ("from boomerang.kinds import Kinds as K\nTRICKS = K(__name__, int, 'x')\n", False),
        ("from boomerang.kinds import Kinds\nclass T(Kinds): pass\nTRICKS = T(__name__, int, 'x')\n", False),
    ],
)
def test_kinds_whose_call_cannot_be_read_all_count(tmp_path: Path, call: str, read: bool) -> None:
    write(tmp_path, KINDS | {"processing/tricks/__init__.py": call})
    assert ("loud" in tricks(tmp_path, ["loud"]), "quiet" in tricks(tmp_path, ["loud"])) == (True, not read)


def test_a_name_that_is_computed_in_part_is_of_the_package_that_it_begins_with(tmp_path: Path) -> None:
    files = {
        "processing/__init__.py": "",
        "processing/other.py": "",
        "processing/step.py": "from importlib import import_module\n"
        "a = import_module(f'art.attacks.poisoning{1}')\nb = import_module(f'training.nets.{1}')\n",
        "training/nets/small.py": "",
        "training/other.py": "",
    }
    write(tmp_path, files)
    code = code_of("processing.step", tmp_path, [])
    assert set(code.files) == {"processing/__init__.py", "processing/step.py", "training/nets/small.py"}
    assert "art" in code.libraries


def test_without_a_module_all_code_of_the_jobs_counts(tmp_path: Path) -> None:
    write(tmp_path, KINDS)
    assert set(code_of(None, tmp_path, ["loud"]).files) == set(KINDS)


def test_the_projects_own_steps_depend_on_their_own_code_alone() -> None:
    root = ROOT
    training = code_of("training.train", root).files
    assert {"training/train.py", "boomerang/contract.py", "boomerang/__init__.py"} <= set(training)
    assert not any(name.startswith(("processing/", "pipelines/", "aws/", "tests/")) for name in training)
    assert "processing/evaluate.py" not in code_of("processing.preprocess", root).files


MODULES = {
    "Preprocess": "processing.preprocess",
    "TrainBaseline": "training.train",
    "Poison": "processing.poison",
    "TrainVictim": "training.train",
    "Screen": "processing.screen",
    "Evaluate": "processing.evaluate",
    "Sign": "aws.jobs.sign",
}
TRAININGS = {"TrainBaseline", "TrainVictim"}
NAMED = {spec.kind for spec in load("default").attacks}


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project's code, to be edited."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("boomerang", "processing", "training", "aws", "pipelines"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@contextmanager
def edited(file: Path, more: str = "\n# a comment\n") -> Iterator[None]:
    """Add to a file, or make it, while the block runs."""
    before = file.read_bytes() if file.exists() else None
    file.write_bytes((before or b"") + more.encode())
    try:
        yield
    finally:
        if before is None:
            file.unlink()
        else:
            file.write_bytes(before)


@cache
def settings_of(overrides: tuple[str, ...]) -> dict[str, Strict]:
    return step_settings(load("default", overrides))


def job(step: str, overrides: Collection[str] = ()) -> tuple[Plan, Store]:
    """A step of the bundled entry, and a store that knows its settings."""
    store, sources, hyperparameters = Store(Path("nowhere")), [], {}
    settings = settings_of(tuple(overrides)).get(step)
    if isinstance(settings, TrainSettings):
        hyperparameters = as_hyperparameters(settings)
    elif settings is not None:
        sources = [Source("config", "s3://b/config", "processing/input/config")]
        store.expect("s3://b/config/config.json", canonical_json(settings.model_dump(mode="json")))
    command = ("python", "-m", MODULES[step])
    plan = Plan(step, bool(hyperparameters), command, {}, hyperparameters, tuple(sources), (), timeout_s=1)
    return plan, store


def keys(project: Path, overrides: Collection[str] = ()) -> dict[str, str]:
    """The digest of each step's code."""
    return {step: code_of_job(*job(step, overrides), project).digest for step in MODULES}


def changed(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    return {step for step in before if before[step] != after[step]}


def test_a_comment_in_a_drawn_frog_is_of_preprocess_alone(copied: Path) -> None:
    before = keys(copied)
    with edited(copied / "processing/datasets/drawn/bodies/frog.py"):
        assert changed(before, keys(copied)) == {"Preprocess"}


def test_another_default_machine_is_of_no_step(copied: Path) -> None:
    from pipelines.campaign.sections import JobsConfig

    before = keys(copied)
    with edited(copied / Path(inspect.getfile(JobsConfig)).relative_to(ROOT)):
        assert changed(before, keys(copied)) == set()


def test_signing_holds_nothing_of_deploying(copied: Path) -> None:
    files = set(code_of_job(*job("Sign"), copied).files)
    of_aws = {file for file in files if file.startswith("aws/")}
    assert {file.removeprefix("aws/").split("/")[0] for file in of_aws} <= {
        "__init__.py",
        "client.py",
        "jobs",
    }
    assert all(file.endswith(".py") and file.split("/")[0] in ("aws", "boomerang") for file in files)
    before = keys(copied)
    with edited(copied / "aws/stack/template.yaml"), edited(copied / "aws/stack/parameters.py"):
        assert changed(before, keys(copied)) == set()


def test_an_attack_that_is_not_named_changes_no_key(copied: Path) -> None:
    attacks, before = copied / "processing/attacks", keys(copied)
    others = sorted({file.stem for file in attacks.glob("[!_]*.py")} - NAMED)
    with edited(attacks / "brand_new.py"), edited(attacks / f"{others[0]}.py"):
        assert changed(before, keys(copied)) == set()


def test_an_attack_that_is_named_changes_the_keys_of_those_who_name_it(copied: Path) -> None:
    before = keys(copied)
    with edited(copied / f"processing/attacks/{min(NAMED)}.py"):
        assert {"Poison"} <= changed(before, keys(copied)) <= {"Poison", "Evaluate"}


def test_an_architecture_is_of_the_trainings_that_name_it(copied: Path) -> None:
    folder, named = copied / "training/architectures", load("default").model.architecture
    # One that is a given model's names a file of its own.
    (other, *_) = sorted({file.stem for file in folder.glob("[!_]*.py")} - {named, "as_given"})
    before, of_other = keys(copied), keys(copied, [f"model.architecture={other}"])
    with edited(folder / f"{other}.py"):
        assert not changed(before, keys(copied)) & TRAININGS
        assert changed(of_other, keys(copied, [f"model.architecture={other}"])) >= TRAININGS
    with edited(folder / f"{named}.py"):
        assert changed(before, keys(copied)) >= TRAININGS
    assert changed(before, of_other) >= TRAININGS


def test_a_manifest_is_of_every_step(copied: Path) -> None:
    before = keys(copied)
    with edited(copied / "boomerang/manifest.py"):
        assert changed(before, keys(copied)) == set(MODULES)
