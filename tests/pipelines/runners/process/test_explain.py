"""What is reused, what is not, and what is said about it."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import toy_pipeline as toy
from helpers.toy_runs import Bench, cached

from pipelines.runners.process.explain import CacheWord


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


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


def test_only_steps_that_the_definition_lets_be_cached_are(bench: Bench) -> None:
    step = toy.make(cached=False)
    bench.run(step)

    assert bench.plan(step)["Make"] == CacheWord("Make", False, "the definition does not let it be reused")
    assert cached(bench.run(step)) == []


def test_a_step_that_has_never_run_says_so(bench: Bench) -> None:
    assert bench.plan()["Make"] == CacheWord("Make", False, "it has not run yet")
    assert not (bench.folder / "runs").exists()
