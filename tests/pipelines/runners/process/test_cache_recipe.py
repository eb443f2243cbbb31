"""What a job's key is made from, and what is no part of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers import toy_pipeline as toy
from helpers.toy_runs import Bench, cached

from pipelines.language.job_plan import Plan, Source
from pipelines.runners.process.cache_recipe import mentioned
from pipelines.runs.storage import Store


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


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


# Toys by their kind, as boomerang.kinds finds them, which toys do not import.
_KINDS = """
from importlib import import_module
def Kinds(package, base, what):
    return lambda name: import_module(f"{package}.{name}").SAID
"""
_BODY = """
from processing.tricks import TRICKS
config = json.loads((ml / "processing/input/config/config.json").read_text())
(ml / "processing/output/train/x.txt").write_text(" ".join(TRICKS(name) for name in config["tricks"]))
"""


@pytest.fixture
def tricky(bench: Bench) -> Bench:
    """The bench with a step that is told which of two tricks to do, and a training that names one too."""
    toy.project(bench.project, make=_BODY, train=_TRAIN)
    files = {
        "boomerang/__init__.py": "",
        "boomerang/kinds.py": _KINDS,
        "processing/tricks/__init__.py": "from boomerang.kinds import Kinds\n"
        "TRICKS = Kinds(__name__, object, 'trick')\n",
        "processing/tricks/loud.py": "SAID = 'loud'\n",
        "processing/tricks/quiet.py": "SAID = 'quiet'\n",
    }
    for name, text in files.items():
        (bench.project / name).parent.mkdir(exist_ok=True)
        (bench.project / name).write_text(text)
    bench.staged = {f"{toy.CONFIG}/config.json": b'{"tricks": ["loud"]}'}
    return bench


_TRAIN = """
from processing.tricks import TRICKS
names = json.loads(json.loads((ml / "input/config/hyperparameters.json").read_text())["tricks"])
(ml / "model/weights.txt").write_text(" ".join(TRICKS(each["kind"]) for each in names))
"""


def steps() -> tuple[dict[str, Any], dict[str, Any]]:
    train = toy.training("Train", {"train": toy.output_of("Make", "train")}, tricks='[{"kind": "quiet"}]')
    return toy.make(), train


def test_a_kind_is_in_the_keys_of_steps_that_name_it_and_a_plan_says_so(tricky: Bench) -> None:
    tricky.run(*steps())
    assert all(word.hit for word in tricky.plan(*steps()).values())

    (tricky.project / "processing/tricks/new.py").write_text("SAID = 'new'\n")
    (tricky.project / "processing/tricks/quiet.py").write_text("SAID = 'quieter'\n")
    words = tricky.plan(*steps())
    assert (words["Make"].hit, words["Train"].why) == (True, "processing/tricks/quiet.py has changed")
    assert cached(tricky.run(*steps())) == ["Make"]

    (tricky.project / "processing/tricks/loud.py").write_text("SAID = 'louder'\n")
    assert tricky.plan(*steps())["Make"].why == "processing/tricks/loud.py has changed"
    assert cached(tricky.run(*steps())) == []


def test_settings_that_cannot_be_read_may_name_anything(tricky: Bench) -> None:
    named = {store_config(text) for text in (b"not json", b"[" * 100_000)}
    assert named == {None}
    assert store_config(b'{"a": [{"kind": "x"}, "y", 3, null]}') == frozenset({"a", "kind", "x", "y"})


def store_config(content: bytes) -> frozenset[str] | None:
    """What is mentioned where `config.json` holds this."""
    store = Store(Path("nowhere"))
    store.expect("s3://b/c/config.json", content)
    source = Source("config", "s3://b/c", "processing/input/config")
    return mentioned(Plan("S", False, ("python", "-m", "m"), {}, {}, (source,), (), 1), store)


def test_a_training_mentions_what_its_hyperparameters_say() -> None:
    values = {"model.architecture": "small", "repairs": '[{"kind": "retrain"}]', "epochs": "3", "w": '"x"'}
    plan = Plan("S", True, ("python", "-m", "m"), {}, values, (), (), 1)
    assert mentioned(plan, Store(Path("nowhere"))) == {*values, "small", "kind", "retrain", "x"}
