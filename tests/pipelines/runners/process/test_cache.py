"""What is reused, what is not, and what is said about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from helpers import toy_pipeline as toy
from helpers.ranges import ROOT

from pipelines.runs.cache import Cache
from pipelines.runners.process.code import code_of
from pipelines.runners.process.runner import CacheWord, Event, Execution, execute, explain_cache

Steps = tuple[dict[str, Any], ...]


class Bench:
    """The toy pipeline without its gate, run again and again in one workspace."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = toy.project(folder / "project")
        self.staged: Mapping[str, Path | bytes] = toy.STAGED
        self.runs = 0

    def steps(self) -> Steps:
        return toy.make(arguments=["--word", toy.get("Parameters.Word")]), toy.train(), toy.measure()

    def run(
        self, *steps: dict[str, Any], on_event: Callable[[Event], None] = print, **parameters: str
    ) -> Execution:
        self.runs += 1
        return execute(
            toy.definition(*(steps or self.steps())),
            self.staged,
            workspace=self.folder / "runs",
            run_id=f"run-{self.runs}",
            parameters=parameters,
            project=self.project,
            on_event=on_event,
            warm=False,
        )

    def plan(self, *steps: dict[str, Any], **parameters: str) -> dict[str, CacheWord]:
        definition = toy.definition(*(steps or self.steps()))
        words = explain_cache(definition, self.staged, self.folder / "runs", parameters, project=self.project)
        return {word.step: word for word in words}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def cached(execution: Execution) -> list[str]:
    return [record.name for record in execution.steps if record.cached]


def test_a_second_run_computes_nothing_and_has_the_same_bytes(bench: Bench) -> None:
    first, second = bench.run(), bench.run()

    assert (cached(first), cached(second)) == ([], ["Make", "Train", "Measure"])
    assert second.step("Train").cached_from == "run-1"
    assert second.step("Train").cached_seconds > 0
    for before, after in zip(first.steps, second.steps, strict=True):
        assert (before.key, before.status) == (after.key, after.status)
        for name, output in before.outputs.items():
            assert after.outputs[name].digest == output.digest
            assert second.path(after.name, name).exists()


def test_large_outputs_are_linked_and_nobody_may_write_them(bench: Bench) -> None:
    file = bench.run().path("Make", "train") / "x.txt"

    again = bench.run().path("Make", "train") / "x.txt"
    assert file.stat().st_ino == again.stat().st_ino
    assert file.stat().st_mode & 0o222 == 0


def test_an_argument_changes_what_comes_after_it_and_nothing_else(bench: Bench) -> None:
    bench.run()
    assert bench.plan(Word="two")["Make"].why == "its command is another: two"
    assert cached(bench.run(Word="two")) == []
    assert cached(bench.run(Word="one")) == ["Make", "Train", "Measure"]


def test_a_step_whose_new_output_equals_the_old_stops_the_change(bench: Bench) -> None:
    bench.run()
    toy.project(bench.project, make=toy.JOBS["processing/make.py"] + "\n# a comment\n")

    assert bench.plan()["Make"] == CacheWord("Make", False, "processing/make.py has changed")
    assert bench.plan()["Train"] == CacheWord("Train", False, "it reads what Make will make")
    assert cached(bench.run()) == ["Train", "Measure"]


def test_a_change_of_one_steps_code_leaves_the_others(bench: Bench) -> None:
    bench.run()
    (bench.project / "boomerang_toy/score.py").write_text("DROP = 0.5\n")

    words = bench.plan()
    assert [words[name].hit for name in ("Make", "Train", "Measure")] == [True, True, False]
    assert words["Make"].why == "as run run-1 made it"
    assert words["Measure"].why == "boomerang_toy/score.py has changed"
    assert cached(bench.run()) == ["Make", "Train"]


def test_the_content_of_an_input_counts_and_its_address_does_not(bench: Bench) -> None:
    bench.run()
    moved = toy.processing(
        "Make", "processing.make", {"config": "s3://elsewhere/c"}, ["train"], ["--word", "one"]
    )
    bench.staged = {"s3://elsewhere/c/config.json": b'{"word": "hello"}'}
    assert cached(bench.run(moved)) == ["Make"]

    bench.staged = {"s3://elsewhere/c/config.json": b'{"word": "bye"}'}
    assert bench.plan(moved)["Make"].why == "input config has changed"
    assert cached(bench.run(moved)) == []


def test_name_machine_role_and_time_limit_of_a_step_do_not_count(bench: Bench) -> None:
    bench.run()
    other = toy.make(arguments=["--word", "one"], timeout_s=99) | {"Name": "Renamed"}
    other["Arguments"]["RoleArn"] = "arn:aws:iam::1:role/other"
    other["Arguments"]["ProcessingResources"] = {"ClusterConfig": {"InstanceType": "ml.p3.2xlarge"}}

    assert cached(bench.run(other)) == ["Renamed"]


def test_a_variable_of_the_shell_does_not_count(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It does not reach a job either (see test_runner), so it cannot change what the job makes."""
    bench.run()
    monkeypatch.setenv("BOOMERANG_TRY", "1")
    assert bench.plan()["Make"].hit


def test_only_steps_that_the_definition_lets_be_cached_are(bench: Bench) -> None:
    step = toy.make(cached=False)
    bench.run(step)

    assert bench.plan(step)["Make"] == CacheWord("Make", False, "the definition does not let it be reused")
    assert cached(bench.run(step)) == []


def test_a_step_that_has_never_run_says_so(bench: Bench) -> None:
    assert bench.plan()["Make"] == CacheWord("Make", False, "it has not run yet")
    assert not (bench.folder / "runs").exists()


@pytest.mark.parametrize("damage", ["flip", "missing", "foreign", "record"])
def test_a_damaged_entry_is_dropped_said_and_made_again(bench: Bench, damage: str) -> None:
    key = bench.run().step("Make").key
    assert key is not None
    entry = Cache(bench.folder / "runs/cache").folder(key)
    file = entry / "outputs/train/x.txt"
    if damage == "flip":
        file.chmod(0o644)
        file.write_text(file.read_text().replace("hello", "jello"))
    elif damage == "missing":
        file.unlink()
    elif damage == "foreign":
        (entry / "outputs/train/y.txt").write_text("?")
    else:
        (entry / "entry.json").write_text('{"recipe": {}}')

    assert "damaged" in bench.plan()["Make"].why
    assert file.exists() or damage == "missing", "a plan changes nothing"
    events: list[Event] = []
    execution = bench.run(on_event=events.append)
    assert cached(execution) == ["Train", "Measure"]
    assert "its cache entry was damaged" in execution.step("Make").detail
    assert any(event.step == "Make" and "damaged" in event.detail for event in events)
    assert (execution.path("Make", "train") / "x.txt").read_text() == "hello --word one"
    assert cached(bench.run()) == ["Make", "Train", "Measure"]


def test_what_a_killed_run_left_half_done_is_swept_and_never_used(bench: Bench) -> None:
    key = bench.run().step("Make").key
    assert key is not None
    whole = Cache(bench.folder / "runs/cache").folder(key)
    half = whole.with_name(f".{key}.999999999.part")
    whole.rename(half)

    assert cached(bench.run()) == ["Train", "Measure"]
    assert not half.exists()


def test_code_is_followed_through_every_kind_of_import(tmp_path: Path) -> None:
    files = {
        "processing/__init__.py": "",
        "processing/main.py": "import json, numpy.linalg\nfrom . import near\n"
        "def late():\n    import training.deep.far\n",
        "processing/near.py": "from .things import *\nimport importlib\n"
        "importlib.import_module('lazy.one')\n",
        "processing/things/__init__.py": "from processing.things.a import A\n",
        "processing/things/a.py": "A = 1\n",
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
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    code = code_of("processing.main", tmp_path)
    assert set(code.files) == {
        *(f"processing/{name}" for name in ("__init__.py", "main.py", "near.py")),
        *(f"processing/things/{name}" for name in ("__init__.py", "a.py", "mesh.obj")),
        *("training/__init__.py", "training/deep/__init__.py", "training/deep/far.py", "lazy/one.py"),
    }
    assert {"json", "numpy", "keras"} <= code.libraries
    # An import whose name is computed may be of anything beside it.
    assert "processing/unused.py" in code_of("registry", tmp_path).files


def test_the_projects_own_steps_depend_on_their_own_code_alone() -> None:
    root = ROOT
    training = code_of("training.train", root).files
    assert {"training/train.py", "boomerang/contract.py", "boomerang/__init__.py"} <= set(training)
    assert not any(name.startswith(("processing/", "pipelines/", "aws/", "tests/")) for name in training)
    assert "processing/evaluate.py" not in code_of("processing.preprocess", root).files
