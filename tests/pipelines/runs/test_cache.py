"""Entries of the cache: the same bytes, linked, and never a damaged one."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.toy_runs import Bench, cached

from boomerang.digest import sha256_bytes
from boomerang.safeio import load_json, write_json_atomic
from pipelines.runners.verify import verify
from pipelines.runs.cache import Cache, Damaged
from pipelines.runs.records import Event


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


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


@pytest.mark.parametrize("damage", ["flip", "missing", "foreign", "record", "no record"])
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
    elif damage == "no record":
        (entry / "entry.json").unlink()
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


def test_an_entry_that_somebody_else_wrote_is_not_taken_though_all_its_digests_are_right(
    bench: Bench,
) -> None:
    """Evaluate's is what the gate goes by."""
    key = bench.run().step("Measure").key
    assert key is not None
    folder = Cache(bench.folder / "runs/cache").folder(key)
    file, entry = folder / "outputs/evaluation/metrics.json", folder / "entry.json"
    forged = file.read_bytes().replace(b"0.01", b"0.00")
    file.unlink()
    file.write_bytes(forged)
    content = load_json(entry)
    known = {"sha256": sha256_bytes(forged), "bytes": len(forged)}
    content["outputs"]["evaluation"]["files"]["metrics.json"] = known
    write_json_atomic(entry, content)

    assert "its record was changed" in bench.plan()["Measure"].why
    assert any("damaged cache entry" in problem.what for problem in verify(bench.folder / "runs"))
    execution = bench.run()
    assert cached(execution) == ["Make", "Train"]
    assert load_json(execution.path("Measure", "evaluation") / "metrics.json")["gate"]["drop"] == 0.01


def test_what_another_user_kept_is_made_again_and_is_no_damage(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.run()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    assert "another user kept it" in bench.plan()["Make"].why
    assert verify(bench.folder / "runs") == []
    assert cached(bench.run()) == []
    assert cached(bench.run()) == ["Make", "Train", "Measure"]


def test_without_a_key_of_this_user_nothing_is_kept_and_nothing_taken(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.run()
    (tmp_path / "no folder").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "no folder"))
    assert cached(bench.run()) == [] == cached(bench.run())


@pytest.mark.parametrize("name", ["../../../../out", "/etc"])
def test_an_entry_names_nothing_outside_of_itself(bench: Bench, name: str) -> None:
    key = bench.run().step("Make").key
    assert key is not None
    entry = Cache(bench.folder / "runs/cache").folder(key) / "entry.json"
    content = load_json(entry)
    content["outputs"] = {name: content["outputs"]["train"]}
    content["code"] = f"0{content['code']}"  # of another user
    write_json_atomic(entry, content)
    found = Cache(bench.folder / "runs/cache").find(key, drop=False)
    assert isinstance(found, Damaged) and ("climbs out" in found.why or "absolute" in found.why)


@pytest.mark.parametrize("change", ["code", "shape", "gone"])
def test_the_recipe_of_an_entry_is_that_of_its_key_or_none(bench: Bench, change: str) -> None:
    key = bench.run().step("Train").key
    assert key is not None
    cache = Cache(bench.folder / "runs/cache")
    recipe = cache.recipe(key)
    assert recipe is not None and recipe.key == key and "training/train.py" in recipe.code
    record = cache.folder(key) / "entry.json"
    content = load_json(record)
    if change == "gone":
        record.unlink()
    else:
        content["recipe"]["code"] = {"training/train.py": "0" * 64} if change == "code" else None
        write_json_atomic(record, content)
    assert cache.recipe(key) is None


def test_what_is_no_key_has_no_recipe(bench: Bench) -> None:
    bench.run()
    for key in ("", "..", "\0", "x" * 5000):
        assert Cache(bench.folder / "runs/cache").recipe(key) is None


def test_what_a_killed_run_left_half_done_is_swept_and_never_used(bench: Bench) -> None:
    key = bench.run().step("Make").key
    assert key is not None
    whole = Cache(bench.folder / "runs/cache").folder(key)
    half = whole.with_name(f".{key}.999999999.part")
    whole.rename(half)

    assert cached(bench.run()) == ["Train", "Measure"]
    assert not half.exists()
