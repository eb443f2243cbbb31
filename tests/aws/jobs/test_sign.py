"""The signing job: what it signs, where it leaves it, and that it says what it lacks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from helpers.ranges import ROOT
from helpers.signing_cases import Key, fresh_key, make_dataset

from aws.jobs.sign import KEY, KEY_FILE, LOCAL, sign, signer_of
from boomerang.contract import ROOT_ENV, Job
from boomerang.digest import sha256_file
from boomerang.errors import BadInput, ConfigError, IntegrityError
from boomerang.formats.model import CARD_FILE
from boomerang.manifest import Manifest, commit
from boomerang.signing import verify_signed

WEIGHTS = "ea" * 32


@pytest.fixture
def key(tmp_path: Path) -> Key:
    return fresh_key(tmp_path)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    (tmp_path / "processing" / "input").mkdir(parents=True)
    return Job(tmp_path)


def folder_of(job: Job, name: str) -> Path:
    return job.root / "processing" / "input" / name


def pack_model(folder: Path, card: dict[str, object]) -> None:
    folder.mkdir(parents=True)
    file = folder.parent.parent / CARD_FILE
    file.write_text(json.dumps(card))
    with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
        archive.add(file, CARD_FILE)


def signature(job: Job, name: str) -> Path:
    return job.output(name) / "signature.json"


def test_a_committed_folder_is_signed_and_left_as_it_was(job: Job, key: Key) -> None:
    made = make_dataset(folder_of(job, "train"))
    before = sorted(path.name for path in folder_of(job, "train").iterdir())
    sign(job, key.signer)
    statement = verify_signed(folder_of(job, "train"), [key.public], signature=signature(job, "train"))
    assert (statement.kind, statement.digest) == ("dataset", made.manifest.digest)
    assert sorted(path.name for path in folder_of(job, "train").iterdir()) == before


def test_a_model_is_signed_with_what_its_card_says(job: Job, key: Key) -> None:
    parents = {"train": "ab" * 32, "baseline": "cd" * 32}
    pack_model(folder_of(job, "victim"), {"parents": parents, "weights_sha256": WEIGHTS, "rows": 3})
    sign(job, key.signer)
    statement = verify_signed(folder_of(job, "victim"), [key.public], signature=signature(job, "victim"))
    assert (statement.kind, statement.name) == ("model", "victim")
    assert statement.digest == sha256_file(folder_of(job, "victim") / "model.tar.gz")
    assert (statement.predicate.parents, statement.predicate.aliases) == (parents, [WEIGHTS])


def test_what_lies_in_a_committed_folder_is_signed_for_itself_too(job: Job, key: Key) -> None:
    make_dataset(folder_of(job, "evaluation") / "probes" / "corner")
    commit(folder_of(job, "evaluation"), Manifest(name="tiny", kind="evaluation"))
    sign(job, key.signer)
    made = {
        path.relative_to(job.output("evaluation")).as_posix()
        for path in job.output("evaluation").rglob("*.json")
    }
    assert made == {"signature.json", "probes/corner/signature.json"}
    inner = folder_of(job, "evaluation") / "probes/corner"
    file = job.output("evaluation") / "probes/corner/signature.json"
    assert verify_signed(inner, [key.public], kind="dataset", signature=file)


def test_a_folder_that_is_not_what_its_manifest_says_is_not_signed(job: Job, key: Key) -> None:
    make_dataset(folder_of(job, "train"))
    (folder_of(job, "train") / "y.npy").write_bytes(b"changed")
    with pytest.raises(IntegrityError):
        sign(job, key.signer)
    assert not signature(job, "train").exists()


def test_an_input_with_nothing_to_sign_is_said(job: Job, key: Key) -> None:
    folder_of(job, "screen").mkdir()
    with pytest.raises(BadInput, match=r"'screen': it has no manifest\.json"):
        sign(job, key.signer)


def test_a_model_without_an_origin_is_not_signed(job: Job, key: Key) -> None:
    pack_model(folder_of(job, "victim"), {"weights_sha256": WEIGHTS})
    with pytest.raises(BadInput, match="what it was made from"):
        sign(job, key.signer)


@pytest.mark.parametrize(
    ("environment", "lacks"), [({}, KEY), ({KEY: LOCAL}, KEY_FILE), ({KEY: LOCAL, KEY_FILE: ""}, KEY_FILE)]
)
def test_the_environment_has_to_name_a_key(environment: dict[str, str], lacks: str) -> None:
    with pytest.raises(ConfigError, match=lacks):
        signer_of(environment)


def test_the_job_runs_as_a_process_and_the_same_content_has_the_same_signature(
    job: Job, key: Key, tmp_path: Path
) -> None:
    make_dataset(folder_of(job, "train"))
    environment = {**os.environ, ROOT_ENV: str(job.root), KEY: LOCAL, KEY_FILE: str(tmp_path / "key.pem")}
    found = []
    for _ in range(2):
        command = [sys.executable, "-m", "aws.jobs.sign"]
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert (done.returncode, done.stderr) == (0, "")
        found.append(signature(job, "train").read_bytes())
    assert found[0] == found[1]
    assert "signed dataset 'tiny'" in done.stdout
