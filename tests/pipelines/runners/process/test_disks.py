"""Jobs on several machines, and jobs that are stopped and go on: what the runner gives them and keeps."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from helpers import toy_pipeline as toy

from pipelines.runners.process.disks import loopback_cluster
from pipelines.runners.process.runner import Execution, execute

Execute = Callable[..., Execution]
WHO = 'host = json.loads((ml / "{config}/resourceconfig.json").read_text())\n'
SHARE = (
    WHO.format(config="config")
    + 'place = host["hosts"].index(host["current_host"])\n'
    + '(ml / f"processing/output/train/part-{place}.txt").write_text(str(len(host["hosts"])))\n'
)


@pytest.fixture
def run(tmp_path: Path) -> Execute:
    def start(*steps: Mapping[str, Any], run_id: str = "run", **jobs: str) -> Execution:
        toy.project(tmp_path / "project", **jobs)
        return execute(
            toy.definition(*steps),
            toy.STAGED,
            workspace=tmp_path / "runs",
            run_id=run_id,
            project=tmp_path / "project",
            warm=False,
        )

    return start


def test_the_outputs_of_all_machines_lie_under_one_address(run: Execute) -> None:
    execution = run(toy.make(hosts=3), make=SHARE)
    assert execution.failure == ""
    files = {file.name: file.read_text() for file in execution.path("Make", "train").iterdir()}
    assert files == {"part-0.txt": "3", "part-1.txt": "3", "part-2.txt": "3"}
    logs = {log.name for log in (execution.run_dir / "logs").iterdir()}
    assert logs == {"Make.log", "Make.algo-2.log", "Make.algo-3.log"}


def test_the_number_of_machines_is_part_of_the_cache_key(run: Execute) -> None:
    assert not run(toy.make(hosts=2), make=SHARE).step("Make").cached
    assert run(toy.make(hosts=2), run_id="again", make=SHARE).step("Make").cached
    assert not run(toy.make(hosts=3), run_id="more", make=SHARE).step("Make").cached


def test_two_machines_that_write_one_file_fail_the_step(run: Execute) -> None:
    execution = run(toy.make(hosts=2))
    assert execution.failed_step == "Make"
    assert "two of its machines wrote train/x.txt" in execution.failure


def test_the_machine_that_failed_says_why(run: Execute) -> None:
    body = SHARE + '(ml / "output").mkdir()\n(ml / "output/message").write_text(f"disk {place} is full")\n'
    body += "sys.exit(place)"
    execution = run(toy.make(hosts=2), make=body)
    assert execution.failed_step == "Make" and execution.failure.startswith("disk 1 is full")


def test_machines_that_train_together_run_at_once_and_know_each_other(run: Execute) -> None:
    body = (
        WHO.format(config="input/config")
        + """
cluster = json.loads(os.environ["TF_CONFIG"])
import socket
index = cluster["task"]["index"]
address, port = cluster["cluster"]["worker"][0].split(":")
assert host["hosts"][index] == host["current_host"]
if index == 0:
    server = socket.create_server((address, int(port)))
    server.settimeout(20)
    server.accept()[0].sendall(b"together")
    (ml / "model/weights.txt").write_text("w")
else:
    for _ in range(200):
        try:
            said = socket.create_connection((address, int(port))).recv(9)
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
    assert said == b"together"
"""
    )
    execution = run(toy.make(), toy.train(hosts=2), train=body)
    assert execution.failure == ""
    with tarfile.open(execution.path("Train", "model")) as archive:
        assert archive.getnames() == ["weights.txt"]


def test_a_cluster_on_this_machine_names_each_worker_once() -> None:
    workers = [json.loads(text) for text in loopback_cluster(3)]
    assert [worker["task"]["index"] for worker in workers] == [0, 1, 2]
    (addresses,) = {tuple(worker["cluster"]["worker"]) for worker in workers}
    assert len(set(addresses)) == 3


RESUMED = """
(ml / "checkpoints").mkdir(exist_ok=True)
done = ml / "checkpoints/done"
steps = int(done.read_text()) if done.exists() else 0
print("from", steps, flush=True)
if steps == 0:
    done.write_text("7")
    {stop}
(ml / "model/weights.txt").write_text(str(steps))
"""


def test_a_training_that_failed_goes_on_from_its_checkpoint(run: Execute) -> None:
    body = RESUMED.format(stop="sys.exit(1)")
    assert run(toy.make(), toy.train(), train=body).failed_step == "Train"
    execution = run(toy.make(), toy.train(), run_id="other-run", train=body)
    assert execution.failure == ""
    assert "from 7" in (execution.run_dir / "logs/Train.log").read_text()
    kept = execution.run_dir.parent / "cache/checkpoints"
    assert [path.suffix for path in kept.iterdir()] == [".lock"], "a finished training needs no checkpoint"


def test_a_training_with_other_settings_starts_from_nothing(run: Execute) -> None:
    body = RESUMED.format(stop="sys.exit(1)")
    assert run(toy.make(), toy.train(), train=body).failed_step == "Train"
    changed = run(toy.make(), toy.train(), run_id="other", train=body + "\n# changed")
    assert "from 0" in (changed.run_dir / "logs/Train.log").read_text()


def test_a_run_that_is_stopped_lets_its_training_write_a_checkpoint(tmp_path: Path) -> None:
    body = """
import signal
def stop(*_):
    (ml / "checkpoints/stopped").write_text("in time")
    sys.exit(143)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
time.sleep(60)
"""
    toy.project(tmp_path / "project", train=body)
    (tmp_path / "definition.json").write_text(json.dumps(toy.definition(toy.make(), toy.train())))
    code = f"""
import json
from pathlib import Path
from helpers import toy_pipeline as toy
from pipelines.runners.process.runner import execute
here = Path({str(tmp_path)!r})
execute(json.loads((here / "definition.json").read_text()), toy.STAGED, workspace=here / "runs", run_id="run",
        project=here / "project", warm=False)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    runner = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.DEVNULL)
    log, deadline = tmp_path / "runs/run/logs/Train.log", time.monotonic() + 30
    while not (log.exists() and "ready" in log.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    kept = tmp_path / "runs/cache/checkpoints"
    while not list(kept.glob("*/stopped")):
        assert time.monotonic() < deadline
        time.sleep(0.05)
