"""Parts of several machines: together what one machine makes, or refused by name."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.machines import machine, make_parts
from helpers.manifests import changed
from helpers.ranges import ROOT

from boomerang.contract import ROOT_ENV, Job
from boomerang.errors import IntegrityError
from processing.sharing.shares import worker, write_part
from processing.sharing.tasks import Piece, Task, alone

STEP = "Trial"


def tasks(job: Job) -> list[Task]:
    """Two tasks over the numbers of an input; every third gives no row, and all have notes."""
    numbers = np.loadtxt(job.input("numbers") / "numbers.txt", dtype=np.int64)

    def thirds(start: int, stop: int) -> Piece:
        kept = [n for n in numbers[start:stop] if n % 3]
        return Piece(np.array(kept, np.int64), [{"number": int(n)} for n in numbers[start:stop]])

    def sums(start: int, stop: int) -> Piece:
        return Piece(np.array([numbers[k : k + 4].sum() for k in range(start, stop)], np.float32))

    return [Task("thirds", len(numbers), thirds), Task("sums", len(numbers), sums, block=4)]


def make(job: Job) -> None:
    write_part(job, STEP, tasks(job))


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    folder = tmp_path / "inputs"
    for name in ("config", "numbers", "more"):
        (folder / name).mkdir(parents=True)
    (folder / "config" / "config.json").write_text("{}")
    (folder / "numbers" / "numbers.txt").write_text("\n".join(map(str, range(10))))
    return folder


@pytest.fixture
def three(tmp_path: Path, inputs: Path) -> Path:
    """The parts of three machines."""
    return make_parts(tmp_path / "three", inputs, 3, make)


def merging(tmp_path: Path, inputs: Path, parts: Path) -> Job:
    """A job that was given parts."""
    shutil.rmtree(tmp_path / "main", ignore_errors=True)
    job = machine(tmp_path / "main", inputs, 0, 1)
    (tmp_path / "main/processing/input/parts").symlink_to(parts)
    return job


def refusal(tmp_path: Path, inputs: Path, parts: Path) -> str:
    """The error that a step gives which is given those parts."""
    with pytest.raises(IntegrityError) as caught:
        worker(merging(tmp_path, inputs, parts), STEP)
    assert caught.value.why and caught.value.do
    return str(caught.value)


@pytest.mark.parametrize("count", [1, 2, 3, 13])
def test_the_parts_together_are_what_one_machine_makes(tmp_path: Path, inputs: Path, count: int) -> None:
    """Of 13 machines some have nothing to do; their parts are there all the same."""
    parts = make_parts(tmp_path / "parts", inputs, count, make)
    assert sorted(path.name for path in parts.iterdir()) == sorted(
        f"{k}-of-{count}" for k in range(1, count + 1)
    )
    job = merging(tmp_path, inputs, parts)
    do = worker(job, STEP)
    for task in tasks(job):
        found, whole = do(task), alone(task)
        assert found.rows.tobytes() == whole.rows.tobytes() and found.rows.dtype == whole.rows.dtype
        assert found.notes == whole.notes


def test_no_machine_does_what_another_does(tmp_path: Path, inputs: Path) -> None:
    done: list[tuple[str, int, int]] = []

    def watched(job: Job) -> None:
        def watch(task: Task) -> Task:
            def note(start: int, stop: int) -> Piece:
                done.append((task.name, start, stop))
                return task.make(start, stop)

            return Task(task.name, task.items, note, task.block)

        write_part(job, STEP, map(watch, tasks(job)))

    parts = make_parts(tmp_path / "parts", inputs, 2, watched)
    assert sorted(done) == [("sums", 0, 4), ("sums", 4, 10), ("thirds", 0, 5), ("thirds", 5, 10)]
    do = worker(merging(tmp_path, inputs, parts), STEP)

    def never(start: int, stop: int) -> Piece:
        raise AssertionError("the parts have it")

    assert len(do(Task("sums", 10, never, block=4)).rows) == 10


def test_without_parts_a_step_does_its_work_itself(tmp_path: Path, inputs: Path) -> None:
    assert worker(machine(tmp_path / "main", inputs, 0, 1), STEP) is alone


def test_a_part_is_the_same_wherever_it_was_made(tmp_path: Path, inputs: Path, three: Path) -> None:
    again = make_parts(tmp_path / "again", inputs, 3, make)
    for file in three.rglob("*"):
        assert file.is_dir() or file.read_bytes() == (again / file.relative_to(three)).read_bytes()


def damage(parts: Path) -> None:
    file = parts / "2-of-3" / "sums.npy"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def lose_a_file(parts: Path) -> None:
    (parts / "2-of-3" / "thirds.json").unlink()


def lose_the_manifest(parts: Path) -> None:
    (parts / "2-of-3" / "manifest.json").unlink()


def lose_parts(parts: Path) -> None:
    for name in ("1-of-3", "3-of-3"):
        shutil.rmtree(parts / name)


def lose_all(parts: Path) -> None:
    for path in list(parts.iterdir()):
        shutil.rmtree(path)


def copy_one(parts: Path) -> None:
    shutil.rmtree(parts / "2-of-3")
    shutil.copytree(parts / "1-of-3", parts / "2-of-3")


def add_a_copy(parts: Path) -> None:
    shutil.copytree(parts / "1-of-3", parts / "1-of-3 (2)")


def add_a_file(parts: Path) -> None:
    (parts / "notes.txt").write_text("hello")


def rename_the_step(parts: Path) -> None:
    edit(parts, name="Other")


def take_a_dataset(parts: Path) -> None:
    edit(parts, kind="dataset")


def forget_the_share(parts: Path) -> None:
    edit(parts, recipe={"index": 0, "count": 3, "items": {}})


def edit(parts: Path, **changes: object) -> None:
    """Write a part's manifest anew."""
    file = parts / "2-of-3" / "manifest.json"
    file.write_bytes(changed(file.read_bytes(), **changes))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (damage, ["2-of-3", "sums.npy has been changed"]),
        (lose_a_file, ["2-of-3", "thirds.json is missing"]),
        (lose_the_manifest, ["2-of-3", "never finished"]),
        (lose_parts, ["parts/1-of-3, parts/3-of-3 missing", "shared by 3 machines"]),
        (lose_all, ["there is no part"]),
        (copy_one, ["parts/2-of-3", "it holds 1-of-3"]),
        (add_a_copy, ["parts/1-of-3 (2)", "it holds 1-of-3"]),
        (add_a_file, ["parts/notes.txt", "no folder"]),
        (rename_the_step, ["parts/2-of-3", "a part of Other, no part of Trial"]),
        (take_a_dataset, ["parts/2-of-3", "a dataset of Trial"]),
        (forget_the_share, ["parts/2-of-3", "which share it is"]),
    ],
)
def test_parts_that_are_not_what_was_made_are_refused_by_name(
    tmp_path: Path, inputs: Path, three: Path, spoil: Callable[[Path], None], words: list[str]
) -> None:
    spoil(three)
    message = refusal(tmp_path, inputs, three)
    for word in words:
        assert word in message


def test_parts_of_two_divisions_do_not_belong_together(tmp_path: Path, inputs: Path, three: Path) -> None:
    two = make_parts(tmp_path / "two", inputs, 2, make)
    shutil.copytree(two / "2-of-2", three / "2-of-2")
    message = refusal(tmp_path, inputs, three)
    assert "parts/2-of-2" in message and "different numbers of machines" in message


@pytest.mark.parametrize("changed", ["config/config.json", "numbers/numbers.txt"])
def test_parts_of_other_inputs_are_refused(tmp_path: Path, inputs: Path, three: Path, changed: str) -> None:
    (inputs / changed).write_text("11\n12\n")
    message = refusal(tmp_path, inputs, three)
    assert "parts/1-of-3" in message and f"input {Path(changed).parent.name}" in message


def test_an_input_that_the_parts_did_not_have_is_named(tmp_path: Path, inputs: Path, three: Path) -> None:
    (inputs / "never-given").mkdir()
    assert "input never-given" in refusal(tmp_path, inputs, three)


def test_an_input_that_no_step_lists_by_hand_counts_too(tmp_path: Path, inputs: Path, three: Path) -> None:
    (inputs / "more" / "file").write_text("more")
    assert "input more" in refusal(tmp_path, inputs, three)


def test_the_parts_do_not_count_as_an_input(tmp_path: Path, inputs: Path, three: Path) -> None:
    """GIVEN a machine that finds parts among its inputs THEN its own part is the one it makes without."""
    job = machine(tmp_path / "again", inputs, 1, 3)
    (job.root / "processing/input/parts").symlink_to(three)
    make(job)
    made, known = (folder / "2-of-3" / "manifest.json" for folder in (job.output("parts"), three))
    assert made.read_bytes() == known.read_bytes()


def test_parts_that_were_cut_in_another_way_are_refused(tmp_path: Path, inputs: Path, three: Path) -> None:
    do = worker(merging(tmp_path, inputs, three), STEP)
    for other in (
        Task("sums", 10, alone, block=2),  # type: ignore[arg-type]  # never called
        Task("new", 10, alone),  # type: ignore[arg-type]  # never called
    ):
        with pytest.raises(IntegrityError, match=rf"parts/1-of-3 .*\n?.*'{other.name}'"):
            do(other)


SLOW = """
import sys, time
import numpy as np
from pathlib import Path
from boomerang.contract import run_step
from processing.sharing.shares import write_part
from processing.sharing.tasks import Piece, Task

STEP = "Trial"

def make(start, stop):
    return Piece(np.zeros(stop - start))

def wait(start, stop):
    print("half", flush=True)
    time.sleep(60)

run_step(lambda job: write_part(job, STEP, [Task("done", 9, make), Task("never", 9, wait)]))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_machine_that_is_stopped_in_the_middle_leaves_no_part(
    tmp_path: Path, inputs: Path, three: Path, how: signal.Signals
) -> None:
    job = machine(tmp_path / "killed", inputs, 1, 3)
    env = os.environ | {ROOT_ENV: str(job.root), "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    with subprocess.Popen(
        [sys.executable, "-c", SLOW], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        while (line := process.stdout.readline()) != "half\n":
            assert line, "it ended before it was stopped"
        process.send_signal(how)
        process.wait(timeout=20)
    left = [path.name for path in job.output("parts").iterdir()]
    assert all(name.startswith(".") for name in left) and (left or how == signal.SIGTERM)
    shutil.rmtree(three / "2-of-3")
    shutil.copytree(job.output("parts"), three, dirs_exist_ok=True)
    assert "parts/2-of-3 missing" in refusal(tmp_path, inputs, three)
    make(job)
    assert [path.name for path in job.output("parts").iterdir()] == ["2-of-3"]
    shutil.copytree(job.output("parts"), three, dirs_exist_ok=True)
    worker(merging(tmp_path, inputs, three), STEP)
