"""What a training job verifies before it reads: each input, by the one key, as what it is used for."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.signing_cases import Key, fresh_key, make_dataset

from boomerang.contract import Job, digest_variable
from boomerang.errors import BadInput, ConfigError, IntegrityError
from boomerang.manifest import Manifest, commit
from boomerang.signing import sign_folder
from training.input_signatures import verify_inputs


@pytest.fixture
def key(tmp_path: Path) -> Key:
    return fresh_key(tmp_path)


@pytest.fixture
def job(tmp_path: Path, key: Key) -> Job:
    """A training job with two signed inputs."""
    data = tmp_path / "input" / "data"
    for seed, name in enumerate(("train", "validation")):
        make_dataset(data / name, seed=seed)
        sign_folder(data / name, key.signer, into=data / f"{name}_signature")
    return Job(tmp_path, training=True)


def text(key: Key) -> str:
    return base64.b64encode(key.public.der).decode()


def swap(job: Job) -> None:
    train, validation = (
        job.input(f"{name}_signature") / "signature.json" for name in ("train", "validation")
    )
    shutil.copyfile(validation, train)


def as_another_kind(job: Job) -> None:
    manifest = job.input("train") / "manifest.json"
    manifest.unlink()
    commit(job.input("train"), Manifest(name="tiny", kind="screen"))


DAMAGE: dict[str, tuple[Callable[[Job], object], str]] = {
    "no signature": (lambda job: shutil.rmtree(job.input("train_signature")), "nobody has signed it"),
    "the signature of another": (swap, "not what was signed"),
    "a changed file": (lambda job: (job.input("train") / "y.npy").write_bytes(b"x"), "has been changed"),
    "one file more": (lambda job: (job.input("train") / "z.npy").write_bytes(b"x"), "was not signed"),
    "a missing file": (lambda job: (job.input("validation") / "x.npy").unlink(), "is missing"),
    "committed anew": (as_another_kind, "not what was signed"),
}


def test_signed_inputs_are_taken_and_named(job: Job, key: Key, capsys: pytest.CaptureFixture[str]) -> None:
    verify_inputs(job, text(key))
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == ["train", "validation"]
    assert not list(job.input("train").glob("signature.json"))


def test_what_was_staged_is_held_against_its_digest_and_needs_no_signature(
    job: Job, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    (job.root / "input/data/given").mkdir()
    with pytest.raises(IntegrityError, match="nobody has signed it"):
        verify_inputs(job, text(key))
    monkeypatch.setenv(digest_variable("given"), "ab")
    verify_inputs(job, text(key))


@pytest.mark.parametrize("case", DAMAGE)
def test_what_is_not_what_was_signed_is_refused(job: Job, key: Key, case: str) -> None:
    damage, why = DAMAGE[case]
    damage(job)
    with pytest.raises(IntegrityError, match=why):
        verify_inputs(job, text(key))


def test_an_input_that_was_signed_as_something_else_is_refused(job: Job, key: Key) -> None:
    shutil.copytree(job.input("train"), job.root / "input/data/screen")
    shutil.copytree(job.input("train_signature"), job.root / "input/data/screen_signature")
    with pytest.raises(IntegrityError, match="signed as a dataset, not as a screen"):
        verify_inputs(job, text(key))


def test_another_key_is_not_trusted(job: Job, tmp_path: Path) -> None:
    with pytest.raises(IntegrityError):
        verify_inputs(job, text(fresh_key(tmp_path, "other.pem")))


@pytest.mark.parametrize("wrong", ["no base64!", "MFkw"])
def test_what_is_no_key_is_said(job: Job, wrong: str) -> None:
    with pytest.raises((ConfigError, BadInput), match="public_key"):
        verify_inputs(job, wrong)
