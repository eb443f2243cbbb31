"""A signed run, end to end: every training verifies what it reads, and the whole is verified afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from helpers.ranges import DIGITS

from boomerang.errors import BadInput, IntegrityError
from boomerang.signing import LocalSigner, PublicKey, new_key
from pipelines.campaign.entry import load
from pipelines.campaign.site import LOCAL
from pipelines.cli.main import main
from pipelines.definition.build import Built, build
from pipelines.registry.approval import approve
from pipelines.registry.local import Registry
from pipelines.registry.signatures import signing_with, verify_signatures
from pipelines.runners.process.runner import execute
from pipelines.runs.records import Execution
from pipelines.watching.watched_package import find

# A run of its own, in which every step is signed; what signs and what verifies have tests of their own.
pytestmark = pytest.mark.whole


@dataclass(frozen=True)
class SignedRun:
    """A run that was signed, with its key and what was run."""

    execution: Execution
    key: Path
    built: Built
    public: PublicKey

    def again(self, workspace: Path, key: Path | None = None) -> Execution:
        """Run the same in another workspace."""
        return execute(
            self.built.definition,
            self.built.staged,
            workspace=workspace,
            run_id="again",
            signing_key=key or self.key,
        )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SignedRun:
    folder = tmp_path_factory.mktemp("signed")
    config = folder / "digits.toml"
    config.write_text(DIGITS.replace('"retrain"', '"finetune"'))
    new_key(folder / "key.pem")
    der = LocalSigner.open(folder / "key.pem").public_key_der
    site = replace(LOCAL, signing=signing_with(folder / "key.pem"))
    built = build(load(str(config)), site)
    execution = execute(
        built.definition,
        built.staged,
        workspace=folder / "runs",
        run_id="first",
        signing_key=folder / "key.pem",
    )
    return SignedRun(execution, folder / "key.pem", built, PublicKey.from_der(der))


@pytest.fixture
def copy(run: SignedRun, tmp_path: Path) -> Iterator[Path]:
    """The run's folder, to be damaged."""
    yield shutil.copytree(run.execution.run_dir, tmp_path / "first", symlinks=True)


def change(path: Path, data: bytes) -> None:
    path.unlink()  # it may be shared with the cache
    path.write_bytes(data)


def test_every_model_leads_back_to_what_came_from_outside(run: SignedRun) -> None:
    assert run.execution.failed_step in (None, "Fail"), run.execution.failure
    signed = verify_signatures(run.execution.run_dir, [run.public])
    assert list(signed.lineages) == ["baseline", "victim", "hardened", "boomerang/1"]
    package = signed.lineages.pop("boomerang/1")
    assert [each.kind for each in package[:2]] == ["package", "model"]
    assert package[1:] == signed.lineages["hardened"]
    kinds = [[statement.kind for statement in chain] for chain in signed.lineages.values()]
    assert [sorted(chain) for chain in kinds] == [
        ["dataset", "dataset", "model"],
        ["dataset", "dataset", "dataset", "model", "model"],
        ["dataset", "dataset", "dataset", "model", "model", "model", "screen"],
    ]
    assert {"run", "package", "evaluation", "screen", "model", "dataset"} == {
        each.kind for each in signed.statements
    }


def test_the_trainings_said_what_they_verified(run: SignedRun) -> None:
    log = (run.execution.run_dir / "logs" / "Harden.log").read_text()
    for name, kind in {"train": "dataset", "validation": "dataset", "screen": "screen"}.items():
        assert f"{name}: {kind} '" in log
    assert "baseline: model 'baseline' (" in (run.execution.run_dir / "logs/TrainVictim.log").read_text()


def test_the_key_is_in_no_record_and_no_definition(run: SignedRun) -> None:
    private = run.key.read_text().splitlines()[1]
    for file in run.execution.run_dir.rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert private.encode() not in data and str(run.key).encode() not in data, file


def test_what_was_changed_missing_or_signed_by_another_is_found(run: SignedRun, copy: Path) -> None:
    other = new_key(copy.parent / "other.pem")
    with pytest.raises(IntegrityError, match="key"):
        verify_signatures(copy, [other])
    labels = next(copy.glob("s3/**/Poison/train/y.npy"))
    data = bytearray(labels.read_bytes())
    data[-8] ^= 1
    change(labels, bytes(data))
    with pytest.raises(IntegrityError, match=r"y\.npy: has been changed"):
        verify_signatures(copy, [run.public])


def test_a_package_is_opened_for_the_canary_only_if_it_is_signed(run: SignedRun, tmp_path: Path) -> None:
    workspace = tmp_path / "runs"
    shutil.copytree(run.execution.run_dir.parent / "registry", workspace / "registry")
    approve(
        Registry(workspace / "registry"),
        "boomerang/1",
        by="me",
        reason="a test",
        override=True,
        keys=[run.public],
        signing_key=run.key,
    )
    assert find(workspace, "boomerang", [run.public]).package.version == 1
    with pytest.raises(IntegrityError, match="key"):
        find(workspace, "boomerang", [new_key(tmp_path / "other.pem")])
    signature = workspace / "registry/boomerang/1/signature.json"
    signature.unlink()
    assert find(workspace, "boomerang").package.version == 1
    with pytest.raises(IntegrityError):
        find(workspace, "boomerang", [run.public])


def test_a_model_that_was_swapped_is_found(run: SignedRun, copy: Path) -> None:
    (victim,) = copy.glob("s3/**/TrainVictim/**/model.tar.gz")
    (hardened,) = copy.glob("s3/**/Harden/**/model.tar.gz")
    change(hardened, victim.read_bytes())
    with pytest.raises(IntegrityError, match=r"model\.tar\.gz: has been changed"):
        verify_signatures(copy, [run.public])


def test_a_copy_of_the_bucket_is_verified_without_any_record(run: SignedRun, copy: Path) -> None:
    (bucket,) = (copy / "s3").iterdir()
    whole = verify_signatures(copy, [run.public])
    fetched = verify_signatures(bucket, [run.public])
    assert fetched.lineages == whole.lineages
    assert len(fetched.lineages) == 3
    labels = next(bucket.glob("**/Poison/train/y.npy"))
    data = bytearray(labels.read_bytes())
    data[-8] ^= 1
    change(labels, bytes(data))
    with pytest.raises(IntegrityError, match=r"y\.npy has been changed"):
        verify_signatures(bucket, [run.public])
    shutil.rmtree(labels.parent)
    with pytest.raises(IntegrityError, match="it was changed, or not fetched"):
        verify_signatures(bucket, [run.public])


def test_the_command_line_says_every_lineage(
    run: SignedRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run.public.write(tmp_path / "key.pub.pem")
    folder = str(run.execution.run_dir)
    assert main(["verify", folder, "--key", str(tmp_path / "key.pub.pem")]) == 0
    said = capsys.readouterr().out
    assert "signatures are right, and no lineage has a gap:\n  model 'baseline' (" in said
    assert "  package 'boomerang/1' (" in said and " < model 'hardened' (" in said
    new_key(tmp_path / "other.pem").write(tmp_path / "other.pub.pem")
    assert main(["verify", folder, "--key", str(tmp_path / "other.pub.pem")]) == 4


def test_a_copy_of_the_bucket_has_every_model_signed(run: SignedRun, copy: Path) -> None:
    """There is no record that says what must be: it is every model, and the evaluation at the end."""
    (bucket,) = (copy / "s3").iterdir()
    for step, why in {"SignScreen": "nobody has signed this model", "SignCandidate": "signed"}.items():
        kept = {file: file.read_bytes() for file in bucket.glob(f"**/{step}/**/signature.json")}
        for file in kept:
            file.unlink()
        with pytest.raises(IntegrityError, match=why):
            verify_signatures(bucket, [run.public])
        for file, data in kept.items():
            file.write_bytes(data)
    for file in bucket.rglob("signature.json"):
        file.unlink()
    with pytest.raises(BadInput, match="nothing in it was signed"):
        verify_signatures(bucket, [run.public])


def test_a_training_stops_before_it_reads_what_another_key_has_signed(run: SignedRun, tmp_path: Path) -> None:
    new_key(tmp_path / "other.pem")
    execution = run.again(tmp_path / "runs", tmp_path / "other.pem")
    assert execution.failed_step == "TrainBaseline"
    assert (
        "key" in execution.failure
        and "training on" not in (execution.run_dir / "logs" / "TrainBaseline.log").read_text()
    )


def test_without_a_key_the_job_that_signs_says_what_to_do(run: SignedRun, tmp_path: Path) -> None:
    execution = execute(run.built.definition, run.built.staged, workspace=tmp_path, run_id="again")
    assert execution.failed_step == "SignPreprocess"
    assert "--sign KEY.pem" in execution.failure
