"""What differs in data and code, of real runs of the toy pipeline."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from helpers import toy_pipeline as toy
from helpers.toy_runs import Execute, runner

from pipelines.comparison import compare
from pipelines.comparison.key_by_key import ABSENT
from pipelines.comparison.two_runs import TwoRuns
from pipelines.runs.cache import ENTRY

# Twice as far from what it learns as before.
WORSE = "DROP = 0.012\n"
LOUDER = """
text = (ml / "input/data/train/x.txt").read_text()
(ml / "model/weights.txt").write_text(text.upper() + "!")
"""
PICTURES = "s3://bucket/pictures"


@pytest.fixture
def run(tmp_path: Path) -> Execute:
    return runner(tmp_path)


def compared(folder: Path, first: str = "first", second: str = "second") -> TwoRuns:
    found = compare(folder / "runs" / first, folder / "runs" / second)
    assert isinstance(found, TwoRuns)
    return found


def others(found: TwoRuns) -> dict[str, tuple[str, ...]]:
    return {thing.title: thing.files for thing in found.others}


def test_runs_of_the_same_code_on_the_same_data_do_not_differ(tmp_path: Path, run: Execute) -> None:
    for name in ("first", "second"):
        run(run_id=name, config={"word": "hello"})
    found = compared(tmp_path)
    assert (found.settings, found.others, found.code.files, found.code.versions) == ((), (), (), ())
    assert found.code.same == ("Make", "Train", "Measure") and found.code.unknown == ()
    assert {thing.title for thing in found.data} >= {"Make → train", "Train → model"}


def test_a_changed_file_is_named_with_the_step_that_ran_it_and_with_what_came_of_it(
    tmp_path: Path, run: Execute
) -> None:
    run(run_id="first", config={})
    run(run_id="second", config={}, jobs={"train": LOUDER})
    found = compared(tmp_path)
    (file,) = found.code.files
    assert (file.path, file.steps) == ("training/train.py", ("Train",))
    assert file.old != file.new and len(file.new) == 64
    assert found.code.same == ("Make", "Measure")
    assert others(found) == {"Train → model": ("model.tar.gz",)}


def test_a_file_that_one_run_alone_ran_is_not_there_in_the_other(tmp_path: Path, run: Execute) -> None:
    run(run_id="first", config={})
    imported = toy.JOBS["training/train.py"] + "from boomerang_toy import score\n"
    run(run_id="second", config={}, jobs={"train": imported})
    rows = {file.path: (file.old == ABSENT, file.new == ABSENT) for file in compared(tmp_path).code.files}
    assert rows["boomerang_toy/score.py"] == (True, False) and rows["training/train.py"] == (False, False)


def test_another_value_that_a_step_is_told_is_data_and_no_code(tmp_path: Path, run: Execute) -> None:
    run(run_id="first", config={"word": "one"})
    run(run_id="second", config={"word": "two"}, parameters={"Word": "two"})
    found = compared(tmp_path)
    assert [(row.key, row.old, row.new) for row in found.settings] == [("word", "one", "two")]
    assert others(found) == {"Make → train": ("x.txt",), "Train → model": ("model.tar.gz",)}
    assert found.code.files == () and found.code.same == ("Make", "Train", "Measure")


def with_pictures() -> dict[str, Any]:
    make = toy.processing("Make", "processing.make", {"config": toy.CONFIG, "pictures": PICTURES}, ["train"])
    return toy.definition(make)


def test_what_was_given_from_outside_is_held_against_each_other_and_settings_are_no_such_thing(
    tmp_path: Path, run: Execute
) -> None:
    for name, picture in (("first", b"a"), ("second", b"b")):
        staged = {f"{toy.CONFIG}/config.json": f'{{"word": "{name}"}}'.encode(), f"{PICTURES}/x.png": picture}
        run(with_pictures(), run_id=name, config={}, staged=staged)
    assert set(others(compared(tmp_path))) == {"Make ← pictures", "Make → train"}


def test_where_the_cache_has_lost_an_entry_the_code_is_not_known_and_that_is_said(
    tmp_path: Path, run: Execute
) -> None:
    first = run(run_id="first", config={})
    run(run_id="second", config={}, jobs={"train": LOUDER})
    key = first.step("Train").key
    assert key is not None
    shutil.rmtree(tmp_path / "runs" / "cache" / key[:2] / key)
    found = compared(tmp_path)
    assert found.code.files == () and found.code.same == ("Make", "Measure")
    assert found.code.unknown == ("Train: the cache of first has no entry of it any more",)


def test_an_entry_that_is_not_what_its_key_says_tells_nothing(tmp_path: Path, run: Execute) -> None:
    first = run(run_id="first", config={})
    run(run_id="second", config={}, jobs={"train": LOUDER})
    key = first.step("Train").key
    assert key is not None
    file = tmp_path / "runs" / "cache" / key[:2] / key / ENTRY
    content = json.loads(file.read_text())
    content["recipe"]["code"]["training/train.py"] = "0" * 64
    file.write_text(json.dumps(content))
    assert compared(tmp_path).code.unknown == ("Train: the cache of first has no entry of it any more",)


def test_versions_are_those_of_the_recipes(
    tmp_path: Path, run: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(run_id="first", config={})
    monkeypatch.setattr("pipelines.runners.process.code._versions", lambda: {"python": "3.12.9"})
    run(run_id="second", config={})
    found = compared(tmp_path)
    assert found.code.versions is not None and found.code.files == ()
    assert {row.key: row.new for row in found.code.versions}["python"] == "3.12.9"
    assert {row.new for row in found.code.versions} == {"3.12.9", ABSENT}


def test_a_run_that_failed_is_compared_as_far_as_it_got(tmp_path: Path, run: Execute) -> None:
    run(run_id="first", config={})
    run(run_id="second", config={}, jobs={"train": "raise SystemExit('no')\n"})
    found = compared(tmp_path)
    assert found.unmeasured == ("first has no evaluation", "second stopped at Train")
    (model,) = (thing for thing in found.data if thing.title == "Train → model")
    assert model.old is not None and model.new is None
    assert [said.partition(":")[0] for said in found.code.unknown] == ["Train"]
