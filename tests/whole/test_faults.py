"""What may happen to a run, each on a run of its own: kills, full disks, no descriptors, damaged records.

After each, what was finished is whole, and the same run started again gives the digests of one that nothing
happened to. See `helpers.faults`.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import toy_pipeline as toy
from helpers.faults import (
    DISTURBED,
    EARLIER,
    GROUP,
    LATER,
    At,
    Before,
    Fault,
    check_all_is_well_again,
    check_nothing_is_lost,
    digests,
    environment,
    in_mounts,
    prepare,
    start,
)
from helpers.once import once
from helpers.toy_runs import gone, runner, wait_for

from pipelines.registry.local import Registry
from pipelines.runs.records import load_execution

SLEEPS = "(ml.parents[1] / 'pid').write_text(str(os.getpid())); time.sleep(60)"


@pytest.fixture(scope="session")
def before(tmp_path_factory: pytest.TempPathFactory) -> Before:
    """The workspace before the fault, made once."""
    folder = once(tmp_path_factory, "faults", prepare)
    undisturbed = load_execution(folder / "undisturbed/runs" / DISTURBED)
    return Before(folder, digests(undisturbed))


@pytest.fixture
def folder(before: Before, tmp_path: Path) -> Path:
    """A folder with a workspace that has a finished run and its package."""
    before.copy(tmp_path)
    return tmp_path


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """Return how a run ended, and what it said."""
    _, said = process.communicate(timeout=60)
    return process.returncode, said.decode(errors="replace")


def check(folder: Path, before: Before) -> None:
    check_nothing_is_lost(folder, before)
    check_all_is_well_again(folder, before, runner(folder))


# --- killed at a place ---------------------------------------------------------------------------

KILLED = {
    "before the first file": At("os.mkdir .*/runs/run/s3"),
    "while it stages": At("open .*/runs/run/s3/.*config.json"),
    "while it lays out a disk": At("os.link .*/runs/run/jobs/Train"),
    "while it packs a model": At("open .*/packed/model.tar.gz"),
    "before a cache entry has its record": At("os.rename .*/cache/.*entry.json"),
    "while it fills a cache entry": At("os.link .*/cache/", after="os.link .*/cache/"),
    "before a cache entry is there": At("os.rename .*/cache/../[.][0-9a-f]{64}[.][0-9]+[.]part"),
    "while it takes over an output": At("os.link .*/runs/run/s3/"),
    "while it writes its record": At("os.rename .*execution.json", after="os.link .*/runs/run/s3/.*/Make/"),
    "while it copies a package": At("os.link .*/registry/toys/"),
    "before a package is there": At("os.rename .*/registry/toys/[.]2"),
    "before a package is in its record": At("os.rename .*execution.json", after="os.link .*/registry/toys/"),
}
QUICK = ("before a cache entry is there", "before a package is there")


def slow(cases: dict[str, At]) -> list[object]:
    """All but a few cases are of `make test-all`."""
    return [
        pytest.param(at, id=name, marks=() if name in QUICK else pytest.mark.whole)
        for name, at in cases.items()
    ]


@pytest.mark.parametrize("at", slow(KILLED))
def test_a_run_that_was_killed_at_a_place(folder: Path, before: Before, at: At) -> None:
    code, said = ended(start(folder, Fault(at=at)))
    assert code == -signal.SIGKILL, said
    check(folder, before)


@pytest.mark.whole
def test_a_run_that_was_killed_anywhere(before: Before, tmp_path: Path) -> None:
    """At every fourth operation on a file, with the jobs' outputs in the cache."""
    for name in ("runs", "undisturbed"):
        shutil.copytree(before.folder / name, tmp_path / name)
    code = "import sys; from helpers import faults; faults.kill_everywhere(*sys.argv[1:])"
    command = [sys.executable, "-c", code, str(tmp_path), "4"]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20


@pytest.mark.whole
@pytest.mark.parametrize(
    "words", ["os.remove .*lineage.json", "os.rmdir .*/s3", "os.rename .*definition.json"]
)
def test_a_run_again_that_was_killed_while_it_cleared_the_first_try(
    folder: Path, before: Before, words: str
) -> None:
    assert ended(start(folder, Fault()))[0] == 0
    assert ended(start(folder, Fault(at=At(words))))[0] == -signal.SIGKILL
    assert load_execution(folder / "runs" / DISTURBED).status == "Running", "it no longer has what it had"
    check(folder, before)


@pytest.mark.whole
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("words", ["open .*entry.json", "(os.link|open) .*/registry/", "open .*packed"])
def test_a_disk_that_fails_at_a_place(folder: Path, before: Before, number: int, words: str) -> None:
    code, said = ended(start(folder, Fault(at=At(words, error=number))))
    assert code == 1, said
    check(folder, before)


# --- told to stop --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "signals",
    [
        pytest.param([signal.SIGKILL], id="SIGKILL", marks=pytest.mark.whole),
        pytest.param([signal.SIGTERM], id="SIGTERM"),
        pytest.param([signal.SIGHUP], id="SIGHUP", marks=pytest.mark.whole),
        pytest.param([signal.SIGINT], id="SIGINT", marks=pytest.mark.whole),
        pytest.param([signal.SIGINT, signal.SIGINT], id="SIGINT twice", marks=pytest.mark.whole),
    ],
)
def test_a_run_that_is_told_to_stop_in_a_job(
    folder: Path, before: Before, signals: list[signal.Signals]
) -> None:
    process = start(folder, Fault(jobs={"train": SLEEPS}))
    wait_for(folder / "runs/run/jobs/pid")
    for each in signals:
        process.send_signal(each)
    code, said = ended(process)
    assert code not in (0, None), said
    assert gone(int((folder / "runs/run/jobs/pid").read_text()))
    (folder / "runs/run/jobs/pid").unlink()
    check(folder, before)


WRITES_LATE = """
import signal
def stop(*_):
    for _ in range(20):
        (ml / "model").mkdir(parents=True, exist_ok=True)
        (ml / "model/late.txt").write_text("of the first try")
        time.sleep(0.1)
    sys.exit(143)
signal.signal(signal.SIGTERM, stop)
(ml.parents[1] / "pid").write_text(str(os.getpid()))
(ml / "model/weights.txt").write_text("half")
time.sleep(60)
"""


def test_a_run_that_was_killed_and_is_started_again_while_its_job_still_writes(
    folder: Path, before: Before
) -> None:
    process = start(folder, Fault(jobs={"train": WRITES_LATE}))
    wait_for(folder / "runs/run/jobs/pid")
    process.kill()
    ended(process)
    check(folder, before)


@pytest.mark.whole
def test_a_job_that_was_killed(folder: Path, before: Before) -> None:
    jobs = {"train": "(ml / 'model/weights.txt').write_text('half'); os.kill(os.getpid(), 9)"}
    assert ended(start(folder, Fault(jobs=jobs)))[0] == 1
    assert "signal 9" in load_execution(folder / "runs" / DISTURBED).failure
    check(folder, before)


def test_a_job_ends_with_the_process_that_watches_over_it(folder: Path, before: Before) -> None:
    jobs = {"train": SLEEPS.replace("time.sleep", "os.kill(os.getppid(), 9); time.sleep")}
    assert ended(start(folder, Fault(jobs=jobs)))[0] == 1
    assert "watched over it was killed" in load_execution(folder / "runs" / DISTURBED).failure
    assert gone(int((folder / "runs/run/jobs/pid").read_text()))
    (folder / "runs/run/jobs/pid").unlink()
    check(folder, before)


# --- nothing left to work with -------------------------------------------------------------------

MEMORY_JOB = "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 28, 1 << 28)); bytearray(1 << 29)"
SHORT = {
    "no descriptors": Fault(limits={"RLIMIT_NOFILE": 8}),
    "hardly any descriptors": Fault(limits={"RLIMIT_NOFILE": 10}),
    "no memory": Fault(limits={"RLIMIT_AS": 64 << 10}),
    "no memory in a job": Fault(jobs={"train": MEMORY_JOB}),
    "no file of more than 0 bytes": Fault(limits={"RLIMIT_FSIZE": 0}),
    "no file of more than 300 bytes": Fault(limits={"RLIMIT_FSIZE": 300}),
    "no file of more than 2,000 bytes": Fault(limits={"RLIMIT_FSIZE": 2000}),
}


@pytest.mark.whole
@pytest.mark.parametrize("fault", [pytest.param(fault, id=name) for name, fault in SHORT.items()])
def test_a_run_that_has_nothing_to_work_with(folder: Path, before: Before, fault: Fault) -> None:
    code, said = ended(start(folder, fault))
    assert code == 1, said
    check(folder, before)


# --- another disk --------------------------------------------------------------------------------


@pytest.mark.whole
@pytest.mark.parametrize("free_kb", [0, 8, 16, 24, 32, 48])
def test_a_full_disk(folder: Path, before: Before, free_kb: int) -> None:
    runs = folder / "runs"
    script = f"""
mount -t tmpfs -o size=64m tmpfs {folder}/disk; cp -a {runs}/. {folder}/disk
used=$(df --output=used -k {folder}/disk | tail -1)
mount -o remount,size=$((used + {free_kb}))k {folder}/disk; mount --bind {folder}/disk {runs}
"$@" || code=$?; cp -a {runs}/. {folder}/after; exit ${{code:-0}}"""
    for name in ("disk", "after"):
        (folder / name).mkdir()
    code, said = ended(start(folder, Fault(below=in_mounts(script))))
    assert code == 1, said
    assert "No space left" in said + load_execution(folder / "after" / EARLIER).failure + said_in(folder)
    shutil.rmtree(runs)
    (folder / "after").rename(runs)
    check(folder, before)


def said_in(folder: Path) -> str:
    """Return why the disturbed run failed, if that could be written down."""
    record = folder / "after" / DISTURBED / "execution.json"
    return record.read_text() if record.exists() else ""


@pytest.mark.whole
def test_a_workspace_that_cannot_be_written(folder: Path, before: Before) -> None:
    runs = folder / "runs"
    script = f'mount --bind {runs} {runs}; mount -o remount,ro,bind {runs}; exec "$@"'
    code, said = ended(start(folder, Fault(below=in_mounts(script))))
    assert code == 1 and "Read-only file system" in said
    check(folder, before)


@pytest.mark.whole
def test_a_full_folder_for_temporary_files(folder: Path, before: Before) -> None:
    (folder / "tmp").mkdir()
    script = (
        f'mount -t tmpfs -o size=4k tmpfs {folder}/tmp; head -c 4096 /dev/zero >{folder}/tmp/full; exec "$@"'
    )
    fault = Fault(below=in_mounts(script), environment={"TMPDIR": str(folder / "tmp")})
    code, said = ended(start(folder, fault))
    assert code == 0, said
    check(folder, before)


# --- another place, another time -----------------------------------------------------------------

ODD = {
    "a locale of ASCII": Fault(
        environment={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LANG": "C"}
    ),
    "a locale that is not there": Fault(environment={"LC_ALL": "tr_TR.ISO-8859-9", "LANG": "xx_YY"}),
    "a time zone": Fault(environment={"TZ": "Pacific/Chatham"}),
    "a time zone that is none": Fault(environment={"TZ": ":/nowhere"}),
    "no home": Fault(environment={"HOME": "/nowhere"}),
    "a clock in the past": Fault(days=-20_000),
    "a clock in the future": Fault(days=200_000),
    "hash seeds and bytecode": Fault(environment={"PYTHONHASHSEED": "7", "PYTHONDONTWRITEBYTECODE": "1"}),
}


@pytest.mark.whole
@pytest.mark.parametrize("fault", [pytest.param(fault, id=name) for name, fault in ODD.items()])
def test_a_run_at_an_odd_place_or_time(folder: Path, before: Before, fault: Fault) -> None:
    code, said = ended(start(folder, fault))
    assert code == 0, said
    assert digests(load_execution(folder / "runs" / DISTURBED)) == before.digests
    check(folder, before)


@pytest.mark.whole
def test_files_that_are_dated_in_the_future(folder: Path, before: Before) -> None:
    for path in (folder / "runs").rglob("*"):
        os.utime(path, (4e9, 4e9))
    assert ended(start(folder, Fault()))[0] == 0
    check(folder, before)


@pytest.mark.whole
def test_nobody_who_listens(folder: Path, before: Before) -> None:
    reading, writing = os.pipe()
    process = start(folder, Fault(), stdout=writing)
    os.close(reading)
    os.close(writing)
    ended(process)
    check(folder, before)


# --- two at once ---------------------------------------------------------------------------------


@pytest.mark.whole
def test_two_of_one_name_at_once(folder: Path, before: Before) -> None:
    waits = """
(ml.parents[1] / "pid").write_text("here")
while not (ml.parents[1] / "go").exists():
    time.sleep(0.05)
"""
    first = start(folder, Fault(jobs={"train": waits + toy.JOBS["training/train.py"]}))
    wait_for(folder / "runs/run/jobs/pid")
    second = ended(start(folder, Fault()))
    assert second[0] == 1 and "another process is working on it" in second[1]
    (folder / "runs/run/jobs/go").touch()
    assert ended(first)[0] == 0
    assert digests(load_execution(folder / "runs" / DISTURBED)) == before.digests
    check(folder, before)


@pytest.mark.whole
def test_two_of_two_names_at_once(folder: Path, before: Before) -> None:
    both = [start(folder, Fault(), run_id) for run_id in (DISTURBED, LATER)]
    assert [ended(each)[0] for each in both] == [0, 0]
    for run_id in (DISTURBED, LATER):
        assert digests(load_execution(folder / "runs" / run_id)) == before.digests
    check(folder, before)


# --- damaged records -----------------------------------------------------------------------------


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def halved(file: Path) -> None:
    file.chmod(0o644)
    os.truncate(file, file.stat().st_size // 2)


def turned_into_a_list(file: Path) -> None:
    file.write_text("[]")


def removed(file: Path) -> None:
    file.unlink()


def turned_into_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


DAMAGE = [emptied, halved, turned_into_a_list, removed, turned_into_a_folder]


@pytest.mark.whole
@pytest.mark.parametrize(
    ("of", "damage"),
    [
        *[(of, damage) for of in ("cache/*/*/entry.json", "cache/*/*/outputs/*/*") for damage in DAMAGE],
        *[("run/execution.json", damage) for damage in DAMAGE[:-1]],
    ],
)
def test_a_damaged_file_of_a_run_or_the_cache(
    folder: Path, before: Before, of: str, damage: Callable[[Path], None]
) -> None:
    keys = {record.key for record in runner(folder)(run_id=DISTURBED).steps}
    files = [file for file in (folder / "runs").glob(of) if "cache" not in of or keys & set(file.parts)]
    assert files
    for file in files:
        copy = file.read_bytes()  # the others that it is linked to stay as they are
        file.unlink()
        file.write_bytes(copy)
        damage(file)
    check_all_is_well_again(folder, before, runner(folder))


@pytest.mark.whole
@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("of", ["package.json", "status.json"])
def test_a_damaged_package_stands_in_nobodys_way(
    folder: Path, before: Before, damage: Callable[[Path], None], of: str
) -> None:
    registry = folder / "runs/registry"
    damage(registry / GROUP / "1" / of)
    execution = runner(folder)(run_id=DISTURBED)
    assert (execution.status, execution.failure) == ("Succeeded", "")
    assert execution.step("Register").detail == "toys/2, PendingManualApproval"
    assert digests(execution) == before.digests
    assert Registry(registry).verify_package(GROUP, 1) and not Registry(registry).verify_package(GROUP, 2)


@pytest.mark.whole
@pytest.mark.parametrize("name", ["3x", "99", "-1", "notes"])
def test_a_foreign_folder_in_the_registry_stands_in_nobodys_way(
    folder: Path, before: Before, name: str
) -> None:
    registry = folder / "runs/registry"
    (registry / GROUP / name).mkdir()
    execution = runner(folder)(run_id=DISTURBED)
    assert (execution.status, execution.failure) == ("Succeeded", "")
    assert [package.facts["run"] for package in Registry(registry).list_packages(GROUP)] == [
        EARLIER,
        DISTURBED,
    ]


def test_an_approval_that_was_killed_can_be_given_again(folder: Path, before: Before) -> None:
    registry = folder / "runs/registry"
    code = """
import sys
from pathlib import Path
from helpers.faults import At, arm
from pipelines.registry.local import Registry
arm(At("os.rename .*status.json"))
Registry(Path(sys.argv[1])).set_status("toys", 1, "Approved", by="ann")
"""
    command = [sys.executable, "-c", code, str(registry)]
    done = subprocess.run(command, env=environment(), check=False)
    assert done.returncode == -signal.SIGKILL
    check_nothing_is_lost(folder, before)
    package = Registry(registry).set_status(GROUP, 1, "Approved", by="ann")
    Registry(registry).check_package(package)
    assert [each["status"] for each in package.history] == ["PendingManualApproval", "Approved"]
    assert list(registry.rglob(".*.part")) == []
