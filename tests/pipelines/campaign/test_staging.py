"""What is staged lies under the digest of what a job finds, wherever the job runs; and the job holds it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.definitions import config, inputs, step
from helpers.machines import run_module

from aws.account import Account
from aws.upload import Place
from boomerang.contract import Job, digest_variable
from boomerang.digest import digest_names, digest_tree, sha256_bytes
from boomerang.errors import ConfigError, IntegrityError
from boomerang.safeio import remove_tree
from pipelines.campaign.site import LOCAL
from pipelines.campaign.staging import stage
from pipelines.definition.build import Built, build
from pipelines.language.graph import flatten
from pipelines.language.job_plan import Plan, Source
from pipelines.runners.process.disks import lay_out, seats
from pipelines.runs.storage import Store

# Of the steps that are given what a person staged, which inputs those are.
STAGED = {
    **{name: {"config", "pictures", "source"} for name in ("PreprocessParts", "Preprocess")},
    "Poison": {"config", "triggers"},
    **{name: {"config"} for name in ("ScreenParts", "Screen", "EvaluateParts", "Evaluate")},
}


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of everything that is staged: folders in folders, names that sort differently, a file by itself."""
    folder = tmp_path_factory.mktemp("given")
    for name in ("planes/a/c.png", "planes/a.png", "planes/a-b.png", "planes/B.png", "data.npz"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    return folder


@pytest.fixture(scope="module")
def built(given: Path) -> Built:
    attack = {"kind": "badnets", "target": "bird", "rate": 0.1, "image": "cyan-square"}
    data = {"source": "npz", "path": str(given / "data.npz")}
    return build(config(given / "planes", attacks=[attack], data=data, jobs={"processing_count": 2}))


def jobs(built: Built) -> Iterator[Plan]:
    """Give each job that is given something staged, with just that."""
    for node in flatten(built.definition["Steps"]):
        found = {name: uri for name, uri in inputs(node.step).items() if isinstance(uri, str)}
        if found:
            sources = tuple(Source(name, uri, f"processing/input/{name}") for name, uri in found.items())
            environment = node.arguments.get("Environment", {})
            command = ("python", "-m", "processing.preprocess")
            yield Plan(node.name, False, command, environment, {}, sources, (), 60)


def laid_out(job: Plan, built: Built, folder: Path) -> Job:
    """Lay out a job's disk as the process runner does."""
    store = Store(folder / "s3")
    for uri, content in built.staged.items():
        store.stage(uri, content)
    (seat,) = seats(job, folder / job.step, folder / "log")
    lay_out(job, store, seat, None)
    return Job(seat.ml)


def test_each_job_is_told_the_digest_of_all_that_was_staged_for_it(built: Built) -> None:
    assert {job.step: {source.name for source in job.sources} for job in jobs(built)} == STAGED
    for job in jobs(built):
        told = {digest_variable(source.name): source.uri.rpartition("/")[2] for source in job.sources}
        assert job.environment == told, job.step


def test_what_the_process_runner_gives_a_job_is_what_the_job_is_told(built: Built, tmp_path: Path) -> None:
    for job in jobs(built):
        disk = laid_out(job, built, tmp_path)
        disk.check_staged(job.environment)
        for source in job.sources:
            assert digest_tree(disk.input(source.name)) == source.uri.rpartition("/")[2]


class Bucket(Account):
    """An account whose bucket is a dict."""

    held: dict[str, bytes]

    def stored(self, bucket: str, key: str) -> str | None:
        return None

    def keys(self, bucket: str, prefix: str) -> Iterator[str]:
        return (key for key in self.held if key.startswith(prefix))

    def store(self, bucket: str, key: str, body: Any, *, checksum: str, kms_key: str) -> None:
        self.held[key] = body if isinstance(body, bytes) else body.read()


def test_what_lies_in_the_bucket_is_what_a_job_is_told(built: Built) -> None:
    account = Bucket()
    object.__setattr__(account, "held", {})
    Place(account, LOCAL.bucket, LOCAL.kms_key).upload(built.staged)
    for job in jobs(built):
        for source in job.sources:
            prefix = source.uri.removeprefix(f"s3://{LOCAL.bucket}/") + "/"
            held = {k.removeprefix(prefix): v for k, v in account.held.items() if k.startswith(prefix)}
            assert digest_names({name: sha256_bytes(body) for name, body in held.items()}) in source.uri


def test_no_job_takes_what_was_changed_where_it_lies(built: Built, tmp_path: Path) -> None:
    for job in jobs(built):
        for source in job.sources:
            disk = laid_out(job, built, tmp_path)
            file = next(path for path in sorted(disk.input(source.name).rglob("*")) if path.is_file())
            content = file.read_bytes()
            file.unlink()  # it is linked to where the run keeps it
            file.write_bytes(content + b"!")
            with pytest.raises(IntegrityError, match=f"input '{source.name}' is not what was staged"):
                disk.check_staged(job.environment)
            remove_tree(tmp_path / "s3")


def test_a_step_s_settings_cannot_be_changed_unnoticed(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = next(each for each in jobs(built) if each.step == "Preprocess")
    disk = laid_out(job, built, tmp_path)
    settings = disk.input("config") / "config.json"
    text = settings.read_text()
    settings.unlink()
    settings.write_text(text.replace('"seed":', '"seed": 1'))
    for name, value in job.environment.items():
        monkeypatch.setenv(name, value)
    done = run_module(disk, "processing.preprocess")
    assert done.returncode == IntegrityError.exit_code and "Traceback" not in done.stderr
    assert "input 'config' is not what was staged" in (disk.root / "output" / "message").read_text()
    assert not (disk.root / "processing" / "output").exists()


def test_the_same_content_has_the_same_address_whoever_stages_it(given: Path, tmp_path: Path) -> None:
    copy = tmp_path / "elsewhere"
    copy.mkdir()
    for file in (path for path in (given / "planes").rglob("*") if path.is_file()):
        (copy / file.relative_to(given / "planes")).parent.mkdir(exist_ok=True)
        (copy / file.relative_to(given / "planes")).write_bytes(file.read_bytes())
    first, second = (stage(config(folder), LOCAL) for folder in (given / "planes", copy))
    assert first.pictures == second.pictures
    (copy / "a.png").write_bytes(b"other")
    assert stage(config(copy), LOCAL).pictures != first.pictures
    assert first.digest(first.pictures) == str(first.pictures).rpartition("/")[2]
    assert first.digest("s3://else") is first.digest(None) is None


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file or folder"):
        stage(config(tmp_path / "nothing"), LOCAL)


def test_the_victim_s_training_is_given_nothing_that_was_staged(built: Built) -> None:
    for name in ("TrainBaseline", "TrainVictim"):
        assert "Environment" not in step(built.definition, name)["Arguments"], name
