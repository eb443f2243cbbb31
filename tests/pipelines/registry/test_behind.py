"""The run behind a package, held before a person decides on it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from helpers import toy_pipeline as toy
from helpers.toy_runs import Execute, runner

from boomerang.errors import IntegrityError
from pipelines.registry.behind import check_behind
from pipelines.registry.local import Package, Registry
from pipelines.runs.records import load_execution


@pytest.fixture
def ready(tmp_path: Path) -> Execute:
    """Run the toy pipeline in this test's own workspace."""
    return runner(tmp_path)


def package_of(workspace: Path, version: int = 1) -> Package:
    return Registry(workspace / "registry").package("toys", version)


def test_a_package_stands_with_its_run_as_it_was_or_gone(ready: Execute, tmp_path: Path) -> None:
    run_dir = ready().run_dir
    check_behind(package_of(tmp_path / "runs"))
    (run_dir / "logs/Make.log").write_text("forged")
    with pytest.raises(IntegrityError, match=r"Make\.log: has been changed"):
        check_behind(package_of(tmp_path / "runs"))
    (run_dir / "execution.json").unlink()
    with pytest.raises(IntegrityError, match=r"execution\.json"):
        check_behind(package_of(tmp_path / "runs"))
    shutil.rmtree(run_dir)
    check_behind(package_of(tmp_path / "runs"))


def test_a_run_that_was_run_again_since_says_nothing_of_the_package(ready: Execute, tmp_path: Path) -> None:
    ready()
    ready(jobs={"train": "(ml / 'model/weights.txt').write_text('other')"})
    check_behind(package_of(tmp_path / "runs", 2))
    with pytest.raises(IntegrityError, match="it was run again since"):
        check_behind(package_of(tmp_path / "runs"))


def test_a_run_that_has_not_ended_is_waited_for(ready: Execute, tmp_path: Path) -> None:
    run_dir = ready().run_dir
    execution = load_execution(run_dir)
    object.__setattr__(execution, "status", "Running")
    execution.save()
    with pytest.raises(IntegrityError, match="it has not ended"):
        check_behind(package_of(tmp_path / "runs"))


def test_what_decided_is_what_it_was_when_the_package_was_registered(ready: Execute, tmp_path: Path) -> None:
    """Also where all of the run says the same: the package knows what its run was told."""
    run_dir = ready(config={"name": "toy"}).run_dir
    package = package_of(tmp_path / "runs")
    assert {key: len(str(value)) for key, value in package.facts["order"].items()} == {
        "definition": 64,
        "config": 64,
        "parameters": 64,
    }
    shutil.rmtree(tmp_path / "runs/registry")
    definition = toy.definition()
    definition["Parameters"][0]["DefaultValue"] = 0.5
    shutil.rmtree(run_dir)
    ready(definition, config={"name": "toy"})
    package.facts["digest"] = package_of(tmp_path / "runs").facts["digest"]
    with pytest.raises(IntegrityError, match=r"definition\.json is not what it was"):
        check_behind(package)


def test_a_run_whose_name_leads_elsewhere_is_none(ready: Execute, tmp_path: Path) -> None:
    ready()
    package = package_of(tmp_path / "runs")
    package.facts["run"] = "../elsewhere"
    with pytest.raises(IntegrityError, match="climbs out"):
        check_behind(package)
