"""The disks of a job: what it finds there and must leave, on one machine and on several."""

from __future__ import annotations

import json
import tarfile

from helpers import toy_pipeline as toy
from helpers.toy_runs import Execute

from pipelines.runners.process.disks import loopback_cluster

WHO = 'host = json.loads((ml / "{config}/resourceconfig.json").read_text())\n'


SHARE = (
    WHO.format(config="config")
    + 'place = host["hosts"].index(host["current_host"])\n'
    + '(ml / f"processing/output/train/part-{place}.txt").write_text(str(len(host["hosts"])))\n'
)


def test_a_training_job_finds_its_channels_and_settings(run: Execute) -> None:
    body = """
config = ml / "input/config"
found = {
    "hyperparameters": json.loads((config / "hyperparameters.json").read_text()),
    "channels": sorted(json.loads((config / "inputdataconfig.json").read_text())),
    "hosts": json.loads((config / "resourceconfig.json").read_text())["hosts"],
}
(ml / "model/found.json").write_text(json.dumps(found))
(ml / "output/data/history.txt").write_text("1 2 3")
"""
    execution = run(toy.definition(toy.make(), toy.train()), jobs={"train": body})

    with tarfile.open(execution.path("Train", "model")) as archive:
        found = json.load(archive.extractfile("found.json"))  # type: ignore[arg-type]  # it is a file
    assert found == {"hyperparameters": {"epochs": "3"}, "channels": ["train"], "hosts": ["algo-1"]}
    with tarfile.open(execution.path("Train", "data")) as archive:
        assert archive.getnames() == ["history.txt"]


def test_equal_models_are_packed_to_equal_bytes(ready: Execute) -> None:
    slow = "time.sleep(1.1); (ml / 'model/b').write_text('b'); (ml / 'model/a').write_text('a')"
    quick = "(ml / 'model/a').write_text('a'); (ml / 'model/b').write_text('b')"
    first = ready(run_id="first", jobs={"train": slow})
    second = ready(run_id="second", jobs={"train": quick})

    assert first.step("Train").key != second.step("Train").key
    assert first.step("Train").outputs["model"].digest == second.step("Train").outputs["model"].digest


def test_a_job_that_writes_into_its_input_is_stopped(ready: Execute) -> None:
    body = """
model = ml / "processing/input/model/model.tar.gz"
model.chmod(0o644)
with model.open("ab") as stream:
    stream.write(b"!")
"""
    execution = ready(jobs={"measure": body})

    assert execution.failed_step == "Measure"
    assert "it wrote into its input model" in execution.failure


def test_the_outputs_of_all_machines_lie_under_one_address(run: Execute) -> None:
    execution = run(toy.definition(toy.make(hosts=3)), jobs={"make": SHARE})
    assert execution.failure == ""
    files = {file.name: file.read_text() for file in execution.path("Make", "train").iterdir()}
    assert files == {"part-0.txt": "3", "part-1.txt": "3", "part-2.txt": "3"}
    logs = {log.name for log in (execution.run_dir / "logs").iterdir()}
    assert logs == {"Make.log", "Make.algo-2.log", "Make.algo-3.log"}


def test_the_number_of_machines_is_part_of_the_cache_key(run: Execute) -> None:
    assert not run(toy.definition(toy.make(hosts=2)), jobs={"make": SHARE}).step("Make").cached
    assert run(toy.definition(toy.make(hosts=2)), run_id="again", jobs={"make": SHARE}).step("Make").cached
    assert not run(toy.definition(toy.make(hosts=3)), run_id="more", jobs={"make": SHARE}).step("Make").cached


def test_two_machines_that_write_one_file_fail_the_step(run: Execute) -> None:
    execution = run(toy.definition(toy.make(hosts=2)))
    assert execution.failed_step == "Make"
    assert "two of its machines wrote train/x.txt" in execution.failure


def test_the_machine_that_failed_says_why(run: Execute) -> None:
    body = SHARE + '(ml / "output").mkdir()\n(ml / "output/message").write_text(f"disk {place} is full")\n'
    body += "sys.exit(place)"
    execution = run(toy.definition(toy.make(hosts=2)), jobs={"make": body})
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
    execution = run(toy.definition(toy.make(), toy.train(hosts=2)), jobs={"train": body})
    assert execution.failure == ""
    with tarfile.open(execution.path("Train", "model")) as archive:
        assert archive.getnames() == ["weights.txt"]


def test_a_cluster_on_this_machine_names_each_worker_once() -> None:
    workers = [json.loads(text) for text in loopback_cluster(3)]
    assert [worker["task"]["index"] for worker in workers] == [0, 1, 2]
    (addresses,) = {tuple(worker["cluster"]["worker"]) for worker in workers}
    assert len(set(addresses)) == 3
