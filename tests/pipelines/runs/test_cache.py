"""Entries of the cache: the same bytes, linked, and never a damaged one."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.toy_runs import Bench, cached

from pipelines.runs.cache import Cache
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
