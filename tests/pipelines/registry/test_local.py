"""The local model registry: versions, status and its history, lineage, tampering."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from helpers import toy_pipeline as toy

from boomerang.digest import canonical_json, digest_json, sha256_file
from boomerang.errors import BadInput, UsageError
from boomerang.manifest import MANIFEST
from boomerang.safeio import write_json_atomic
from boomerang.signing import LocalSigner, PublicKey, new_key, sign_folder, verify_signed
from pipelines.registry.local import Package, Registry
from pipelines.runners.process.runner import execute
from pipelines.runners.verify import verify


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    file = tmp_path / "model.tar.gz"
    file.write_bytes(b"a model")
    return file


def add(registry: Registry, model: Path, run: str = "run", status: str = "PendingManualApproval") -> Package:
    return registry.register("jets", model, status=status, run=run, step="Register")


def test_versions_count_up_and_hold_the_model(registry: Registry, model: Path) -> None:
    packages = [add(registry, model, run) for run in ("a", "b", "c")]

    assert [p.name for p in packages] == ["jets/1", "jets/2", "jets/3"]
    assert packages[0].model.read_bytes() == b"a model"
    assert packages[0].facts["model"] == {"sha256": sha256_file(model), "bytes": 7}
    assert registry.list_packages("jets") == packages
    assert registry.list_packages("other") == []


def test_the_same_step_of_the_same_run_registers_a_model_once(registry: Registry, model: Path) -> None:
    assert add(registry, model) == add(registry, model)

    model.write_bytes(b"another")
    assert add(registry, model).version == 2


def test_concurrent_registrations_get_a_version_each(registry: Registry, model: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        versions = list(pool.map(lambda i: add(registry, model, f"run-{i}").version, range(16)))

    assert sorted(versions) == list(range(1, 17))


def test_status_changes_keep_their_history(registry: Registry, model: Path) -> None:
    add(registry, model)
    registry.set_status("jets", 1, "Approved", by="mia", reason="canaries are right")
    package = registry.set_status("jets", 1, "Rejected", by="alarm", reason="accuracy fell")

    assert package.status == "Rejected"
    assert [(h["status"], h["by"]) for h in package.history] == [
        ("PendingManualApproval", "pipeline step Register"),
        ("Approved", "mia"),
        ("Rejected", "alarm"),
    ]
    assert registry.verify_package("jets", 1) == []


def test_the_latest_of_a_status(registry: Registry, model: Path) -> None:
    for run in ("a", "b", "c"):
        add(registry, model, run)
    registry.set_status("jets", 2, "Approved", by="mia")

    def version(status: str | None) -> int | None:
        package = registry.latest("jets", status)
        return package.version if package else None

    assert (version(None), version("Approved"), version("Rejected")) == (3, 2, None)


def test_names_and_statuses_are_checked(registry: Registry, model: Path) -> None:
    with pytest.raises(BadInput, match="did you mean 'Approved'"):
        add(registry, model, status="approved")
    with pytest.raises(BadInput, match="that is no name"):
        registry.register("../jets", model, status="Approved", run="r", step="s")
    with pytest.raises(BadInput, match="no such file"):
        add(registry, model.with_name("nothing"))
    with pytest.raises(BadInput, match="versions there are: none"):
        registry.package("jets", 1)
    assert registry.groups() == []


@pytest.mark.parametrize(
    ("file", "wrong"),
    [
        ("model.tar.gz", "model.tar.gz has been changed"),
        ("package.json", "package.json has been changed"),
        ("metrics.json", "metrics.json does not belong there"),
        ("extra.txt", "extra.txt does not belong there"),
    ],
)
def test_verifying_finds_a_change(registry: Registry, model: Path, file: str, wrong: str) -> None:
    folder = add(registry, model).folder
    assert registry.verify_package("jets", 1) == []

    if file == "package.json":
        content = json.loads((folder / file).read_text())
        (folder / file).write_text(json.dumps(content | {"run": "another"}))
    else:
        (folder / file).write_bytes(b"something")
    assert registry.verify_package("jets", 1) == [wrong]


@pytest.fixture
def kept(tmp_path: Path) -> dict[str, Path]:
    """Two folders to be kept with a package."""
    folders = {name: tmp_path / "evaluation" / name for name in ("canaries", "probes")}
    for name in ("canaries/y.npy", "probes/corner/y.npy", "probes/manifest.json"):
        file = tmp_path / "evaluation" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"content of {name}")
    return folders


def add_with(registry: Registry, model: Path, folders: dict[str, Path]) -> Package:
    return registry.register("jets", model, status="Approved", run="run", step="Register", folders=folders)


def test_folders_are_kept_by_hard_link_and_written_down(
    registry: Registry, model: Path, kept: dict[str, Path]
) -> None:
    package = add_with(registry, model, kept)

    file = kept["probes"] / "corner" / "y.npy"
    assert (package.folder / "probes/corner/y.npy").samefile(file)
    assert set(package.facts["folders"]["probes"]) == {"corner/y.npy", "manifest.json"}
    entry = package.facts["folders"]["probes"]["corner/y.npy"]
    assert entry == {"sha256": sha256_file(file), "bytes": file.stat().st_size}
    assert registry.verify_package("jets", 1) == [] and verify(registry.root) == []
    assert add_with(registry, model, kept) == package
    file.write_text("other probes")
    assert registry.verify_package("jets", 1) == ["probes/corner/y.npy has been changed"]
    assert add_with(registry, model, kept).version == 2


def test_verifying_finds_what_became_of_a_folder(
    registry: Registry, model: Path, kept: dict[str, Path]
) -> None:
    folder = add_with(registry, model, kept).folder
    (folder / "canaries" / "y.npy").rename(folder / "canaries" / "z.npy")
    (folder / "probes" / "corner" / "y.npy").unlink()
    wrong = [
        "canaries/y.npy is missing",
        "canaries/z.npy does not belong there",
        "probes/corner/y.npy is missing",
    ]
    assert registry.verify_package("jets", 1) == wrong
    assert [problem.what for problem in verify(registry.root)] == wrong


def test_a_folder_that_became_a_link_is_found(registry: Registry, model: Path, kept: dict[str, Path]) -> None:
    folder = add_with(registry, model, kept).folder
    shutil.rmtree(folder / "canaries")
    (folder / "canaries").symlink_to(kept["canaries"])
    (folder / "probes" / "link").symlink_to(kept["canaries"] / "y.npy")
    wrong = registry.verify_package("jets", 1)
    assert "canaries is missing" in wrong and any("probes/link is a link" in each for each in wrong)


def test_a_folder_that_is_not_there_is_not_registered(registry: Registry, model: Path) -> None:
    with pytest.raises(BadInput, match="no such folder"):
        add_with(registry, model, {"canaries": model.with_name("nothing")})
    assert registry.versions("jets") == []


def test_a_signed_package_is_whole_and_its_signature_covers_what_is_kept(
    registry: Registry, model: Path, kept: dict[str, Path], tmp_path: Path
) -> None:
    folder = add_with(registry, model, kept).folder
    new_key(tmp_path / "key.pem").write(tmp_path / "key.pub.pem")
    sign_folder(folder, LocalSigner.open(tmp_path / "key.pem"))

    assert registry.verify_package("jets", 1) == [] and verify(folder) == []
    statement = verify_signed(folder, [PublicKey.read(tmp_path / "key.pub.pem")], kind="package")
    assert {"canaries/y.npy", "probes/corner/y.npy", "package.json"} <= statement.subjects.keys()


def test_verifying_one_package_or_a_group_finds_its_damage(registry: Registry, model: Path) -> None:
    folder = add(registry, model).folder
    assert verify(folder) == verify(folder.parent) == []
    (folder / "model.tar.gz").unlink()
    (problem,) = verify(folder.parent)
    assert (problem.path, problem.what) == (folder, "model.tar.gz is missing")


def test_verifying_finds_what_is_missing(registry: Registry, model: Path) -> None:
    folder = add(registry, model).folder
    (folder / "model.tar.gz").unlink()
    assert registry.verify_package("jets", 1) == ["model.tar.gz is missing"]
    (folder / "package.json").unlink()
    assert "does not exist" in registry.verify_package("jets", 1)[0]


# --- what is damaged, or no version ----------------------------------------------------------------


def empty_status(folder: Path) -> None:
    (folder / "status.json").write_text("")


def other_facts(folder: Path) -> None:
    (folder / "package.json").write_text("[1]")


def no_package(folder: Path) -> None:
    (folder / "package.json").unlink()


def another_version(folder: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(folder.with_name("1"), folder)


def first_entry(folder: Path) -> None:
    history = json.loads((folder / "status.json").read_text())
    write_json_atomic(folder / "status.json", [history[0] | {"status": "Approved"}])


def no_entries(folder: Path) -> None:
    write_json_atomic(folder / "status.json", [])


def no_list(folder: Path) -> None:
    write_json_atomic(folder / "status.json", {"status": "Approved"})


@pytest.mark.parametrize(
    "damage", [empty_status, other_facts, no_package, another_version, first_entry, no_entries, no_list]
)
def test_what_is_damaged_is_named_and_passed_over(
    registry: Registry, model: Path, damage: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    for run in ("a", "b"):
        add(registry, model, run)
    damage(registry.root / "jets/2")
    assert [package.version for package in registry.list_packages("jets")] == [1]
    assert registry.latest("jets", "PendingManualApproval") == registry.package("jets", 1)
    assert "package jets/2 is passed over: " in capsys.readouterr().err
    assert add(registry, model, "c").version == 3, "its number is not given again"
    with pytest.raises(BadInput):
        registry.package("jets", 2)
    (registry.root.parent / "cache").mkdir()  # it is a workspace
    assert {problem.path for problem in verify(registry.root.parent)} == {registry.root / "jets/2"}


@pytest.mark.parametrize("name", ["3x", "03", "-1", "notes", "1.5", "1e3", "\u00b2"])
def test_what_is_no_version_is_named_and_passed_over(
    registry: Registry, model: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    add(registry, model)
    (registry.root / "jets" / name).mkdir()
    assert add(registry, model, "b").version == 2
    assert registry.latest("jets") == registry.package("jets", 2)
    assert f"registry/jets/{name} is passed over: it is no version" in capsys.readouterr().err
    (registry.root / "No Group").mkdir()
    assert registry.groups() == ["jets"]
    (registry.root.parent / "cache").mkdir()  # it is a workspace
    found = {problem.path.name: problem.what for problem in verify(registry.root.parent)}
    assert found == {name: "is no version of the group", "No Group": "is no model package group"}


def test_a_history_approves_what_was_rejected_only_with_a_reason(registry: Registry, model: Path) -> None:
    add(registry, model, status="Rejected")
    registry.set_status("jets", 1, "Approved", by="ann", reason="seen")
    assert registry.package("jets", 1).status == "Approved"
    history = json.loads((registry.root / "jets/1/status.json").read_text())
    write_json_atomic(registry.root / "jets/1/status.json", [history[0], history[1] | {"reason": " "}])
    with pytest.raises(BadInput, match="approves what was rejected, without a reason"):
        registry.package("jets", 1)
    assert any("without a reason" in wrong for wrong in registry.verify_package("jets", 1))


def test_the_one_group_is_the_one_that_is_meant(registry: Registry, model: Path) -> None:
    with pytest.raises(UsageError, match="no model is registered yet"):
        registry.only_group()
    add(registry, model)
    assert registry.only_group() == "jets"
    registry.register("digits", model, status="Approved", run="d", step="Register")
    with pytest.raises(UsageError, match="there are 2: digits, jets"):
        registry.only_group()


def test_a_package_keeps_no_folder_from_elsewhere(registry: Registry, model: Path) -> None:
    folder = add(registry, model).folder
    facts = json.loads((folder / "package.json").read_text())
    del facts["digest"]
    facts["folders"] = {"../../../secret": {}}
    write_json_atomic(folder / "package.json", facts | {"digest": digest_json(facts)})
    assert registry.verify_package("jets", 1) == ["../../../secret does not belong there"]


def test_a_package_carries_its_lineage_back_to_the_sources(tmp_path: Path) -> None:
    manifest = {"name": "toy", "recipe": {"word": "hello"}, "parents": {"source": "0" * 64}}
    commit = f"(ml / 'processing/output/train/{MANIFEST}').write_text({json.dumps(manifest)!r})"
    project = toy.project(tmp_path / "project", make=toy.JOBS["processing/make.py"] + commit)
    aside = toy.processing("Aside", "processing.make", {"config": toy.CONFIG}, ["train"])
    definition = toy.definition()
    execution = execute(
        definition | {"Steps": [aside, *definition["Steps"]]},
        toy.STAGED,
        workspace=tmp_path / "runs",
        run_id="run",
        project=project,
        warm=False,
    )
    package = Registry(tmp_path / "runs/registry").package("toys", 1)
    facts = package.facts

    assert [entry["step"] for entry in facts["lineage"]] == ["Make", "Train", "Measure"]
    make, train, measure = facts["lineage"]
    assert make["outputs"]["train"]["digest"] == train["inputs"]["train"] == facts["dataset"]["digest"]
    assert make["outputs"]["train"]["parents"] == {"source": "0" * 64}
    assert facts["dataset"]["manifest"] == make["outputs"]["train"]["manifest"]
    assert train["outputs"]["model"]["digest"] == measure["inputs"]["model"] == facts["model"]["sha256"]
    assert facts["sources"] == {"Make.config": execution.step("Make").inputs["config"]["digest"]}
    told = digest_json(execution.step("Train").hyperparameters)
    assert facts["config"] == {"Make": facts["sources"]["Make.config"], "Train": told}
    assert facts["metadata"] == {"Drop": "0.01"}
    assert (
        package.folder.joinpath("metrics.json").read_bytes()
        == (execution.path("Measure", "evaluation") / "metrics.json").read_bytes()
    )
    assert canonical_json(facts)
