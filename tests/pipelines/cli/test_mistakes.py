"""The table of mistakes: a command, its exit code, and words; no traceback, and none ends as the gate."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from helpers.signed_workspace import build_signed_workspace

from pipelines.check.service import service
from pipelines.cli.main import main
from pipelines.watching import local_canary

STATUS, PACKAGE = "registry/trial/1/status.json", "registry/trial/1/package.json"
# A workspace of two runs and their packages, by what somebody has made of one file of it.
EDITED: dict[str, dict[str, str]] = {
    "no-status": {STATUS: "[]"},
    "odd-status": {STATUS: '[{"status": 3}]'},
    "status-of-words": {STATUS: '["Approved"]'},
    "cut-status": {STATUS: '[{"status": "App'},
    "odd-package": {PACKAGE: "[]"},
    "no-record": {"first/execution.json": "[]"},
    "odd-record": {"first/execution.json": '{"format": 1, "run_id": "first", "steps": [{"name": 3}]}'},
    "infinite-record": {
        "first/execution.json": '{"format": 1, "run_id": "first", "seconds": 1e400, "steps": []}'
    },
    "odd-config": {"first/config.json": '{"attacks": ["badnets"]}'},
    "other-config": {"first/config.json": '{"data": [], "seed": "many"}'},
    "odd-attack": {"first/config.json": '{"attacks": [{"kind": "badnets", "rate": [], "target": {}}]}'},
    "no-versions": {"first/s3/bucket/runs/first/Evaluate/evaluation/versions.json": "[]"},
    "half-character": {"first/definition.json": '{"Steps": "\\ud800"}'},
}

SET = ("run", "--set")
# What is typed (T is a folder with the files below), the exit code, and words that have to be said.
MISTAKES: tuple[tuple[tuple[str, ...], int, str], ...] = (
    # the command line
    ((), 2, "required: COMMAND"),
    (("rum",), 2, "command 'rum': did you mean 'run'?"),
    (("run", "--confg", "default"), 2, "did you mean '--config'?"),
    (("run", "--on", "awz"), 2, "--on 'awz': did you mean 'aws'?"),
    (("plan", "--on", "aws", "--runs", "few"), 2, "invalid int value: 'few'"),
    (("plan", "--on", "aws", "--max-usd", "nan"), 2, "nan is no amount"),
    (("plan", "--prices", "x"), 2, "add --on aws"),
    # the entry
    (("run", "--config", "defualt"), 2, "did you mean 'default'?"),
    (("run", "--config", "T/none.toml"), 2, "there is no such file"),
    (("run", "--config", "a" * 5000 + ".toml"), 2, "there is no such file"),
    (("run", "--config", "T/broken.toml"), 2, "it is not TOML"),
    (("run", "--config", "T/latin.toml"), 2, "it is not UTF-8 text"),
    ((*SET, "seed"), 2, "it is not key=value"),
    ((*SET, "seed=4294967296"), 2, "'seed': Input should be less than 4294967296"),
    ((*SET, f"seed={'9' * 5000}"), 2, "--set seed: it cannot be read as a value"),
    ((*SET, f"train={'[' * 5000}"), 2, "--set train: it cannot be read as a value"),
    ((*SET, "data.path=~nouser/x.npz"), 2, "there is no such user"),
    ((*SET, "data.path=a\0b"), 2, "that can be no path"),
    ((*SET, f"pictures.0.path={'a' * 5000}"), 2, "File name too long"),
    ((*SET, "pictures.0.path=\udce9"), 2, "it is not UTF-8"),
    ((*SET, "attacks.².rate=1"), 2, "'²' does not exist"),
    ((*SET, "seed.x=1"), 2, "no section"),
    ((*SET, "attacks.1.rat=1"), 2, "did you mean 'rate'?"),
    ((*SET, "name=a\x1b[31mb"), 2, "got 'a\\x1b[31mb'"),
    (("run", "--set", "pictures.0.path=T/latin-names"), 2, "'\\udce9.png' in T/latin-names: it is not UTF-8"),
    # where a run is kept, and its name
    (("run", "--out", "T/file/below"), 2, "--out T/file/below: Not a directory"),
    (("run", "--out", "T/file"), 2, "--out T/file: File exists"),
    (("run", "--out", "/proc/runs"), 2, "--out /proc/runs: No such file or directory"),
    (("run", "--out", "T/\udcff"), 2, "is not UTF-8"),
    (("run", "--out", f"T/{'a' * 300}"), 2, "File name too long"),
    (("run", "--id", "../up"), 2, "cannot name a run's folder"),
    (("run", "--id", "Cache"), 2, "something else of the workspace has this name"),
    (("run", "--id", "dashboard.html"), 2, "something else of the workspace has this name"),
    (("run", "--id", "comparison.html"), 2, "something else of the workspace has this name"),
    # keys
    (("run", "--sign", "T/none.pem"), 2, "give a file that is there"),
    (("run", "--sign", "T/file"), 2, "chmod 600"),
    (("key", "T/file"), 2, "it is there already"),
    (("key", "."), 2, "it is a folder"),
    (("key", "T/file/key.pem"), 2, "T/file: File exists"),
    # what is not there, or nothing of ours
    (("report", "T/none"), 2, "it is no run's folder"),
    (("verify", "T/none"), 2, "there is no such folder"),
    (("verify", "T/empty"), 2, "nothing in it was ever committed"),
    (("verify", "T/empty", "--key", "T/file"), 2, "it holds no public key"),
    (("check", "--definition", "T/none.json"), 2, "give a file that is there"),
    (("check", "--definition", "T/empty.json"), 2, "2 mistakes"),
    (("check", "--parameter", "MaxDorp=0.1"), 2, "did you mean 'MaxDrop'?"),
    (
        ("plan", "--on", "aws", "--prices", "T/none.toml"),
        2,
        "there is no such file\n  make it, as docs/costs.md says",
    ),
    (("plan", "--on", "aws", "--prices", "T/broken.toml"), 2, "correct the TOML"),
    # packages and the canary
    (("approve", "boomerang", "--out", "T/empty"), 2, "it is no group/version"),
    (("approve", "boomerang/1", "--out", "T/empty"), 2, "versions there are: none"),
    (("reject", "boomerang/1", "--out", "T/empty"), 2, "--reason: it is empty"),
    (("canary", "--out", "T/empty"), 2, "no model is registered yet"),
    (("canary", "--group", "../up", "--out", "T/empty"), 2, "that is no name"),
    (("canary", "--floor", "70"), 2, "70 is no accuracy"),
    # the dashboard
    (("dashboard", "--serve", "99999"), 2, "port 99999 cannot be used"),
    (("dashboard", "--page", "T/empty", "--out", "T/empty"), 2, "it is a folder"),
    (("dashboard", "--out", "T/file"), 2, "T/file: File exists"),
    # files that somebody edited
    (("approve", "trial/1", "--out", "T/no-status"), 2, "it is no list of decisions"),
    (("reject", "trial/1", "--reason", "x", "--out", "T/odd-status"), 2, "it is no list of decisions"),
    (("approve", "trial/1", "--out", "T/status-of-words"), 2, "it is no list of decisions"),
    (("approve", "trial/1", "--out", "T/cut-status"), 2, "it is not JSON"),
    (("approve", "trial/1", "--out", "T/odd-package"), 2, "package.json: it has been changed"),
    (("report", "T/no-record/first"), 4, "it is no record of a run"),
    (("report", "T/odd-record/first"), 4, "it is no record of a run"),
    (("verify", "T/odd-record/first"), 4, "it is no record of a run"),
    (("report", "T/infinite-record/first"), 4, "not finite"),
    (("report", "T/odd-config/first"), 4, "config.json: has been changed"),
    (("report", "T/other-config/first"), 4, "config.json: has been changed"),
    (("report", "T/odd-attack/first"), 4, "config.json: has been changed"),
    (("report", "T/no-versions/first"), 4, "versions.json"),
    (("report", "T/half-character/first"), 4, "definition.json: has been changed"),
    # AWS, without any
    (("status",), 3, "no region is set"),
    (("approve", "boomerang/1", "--on", "aws"), 3, "You must specify a region"),
    (("status", "--region", "eu-west-l"), 2, "did you mean 'eu-west-"),
    (("run", "--on", "aws", "--sign", "k.pem"), 2, "on AWS every run is signed"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the mistakes name."""
    folder = tmp_path_factory.mktemp("mistakes")
    (folder / "empty").mkdir()
    (folder / "file").write_text("x")
    (folder / "file").chmod(0o644)
    (folder / "broken.toml").write_text("seed = = 1")
    (folder / "latin.toml").write_bytes(b'name = "\xe9"')
    (folder / "empty.json").write_text("{}")
    (folder / "latin-names").mkdir()
    (folder / "latin-names" / "\udce9.png").write_bytes(b"x")
    build_signed_workspace(folder / "whole")
    for name, files in EDITED.items():
        shutil.copytree(folder / "whole" / "runs", folder / name)
        for file, text in files.items():
            (folder / name / file).unlink(missing_ok=True)  # a package's are links to the run's
            (folder / name / file).write_text(text)
    return folder


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No AWS settings, and nothing is left in the project's folder."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("typed", "code", "words"),
    MISTAKES,
    ids=[" ".join(m[0])[:60].encode("ascii", "replace").decode() for m in MISTAKES],
)
def test_a_mistake_is_said_and_has_its_exit_code(
    typed: tuple[str, ...],
    code: int,
    words: str,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    ended = main([word.replace("T/", f"{folder}/") for word in typed])
    told = capsys.readouterr()
    said = told.err.replace(f"{folder}/", "T/")
    assert ended == code, said
    assert said.startswith("error: ") and words in said
    assert "Traceback" not in said and "should not happen" not in said
    assert all(line.isprintable() for line in said.splitlines())
    assert told.out == ""
    assert not [path for path in tmp_path.iterdir() if path.name != "runs"]


def test_there_are_forty_and_the_gate_s_exit_code_is_of_none() -> None:
    assert len(MISTAKES) >= 40
    assert {code for _, code, _ in MISTAKES} == {2, 3, 4}


def test_a_canary_s_folder_that_is_a_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / ".canary").write_text("x")
    monkeypatch.setattr(local_canary, "find", lambda *_: None)  # it is made before the package is looked at
    assert main(["canary", "--group", "trial", "--out", str(tmp_path)]) == 2
    assert ".canary: File exists\n  something of this name is there" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["status", "definition", "plan"])
def test_a_profile_of_aws_that_there_is_not(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What asks AWS says so; what asks nobody does not mind."""
    monkeypatch.setenv("AWS_PROFILE", "of-nobody")
    asks = command == "status"
    assert main([command]) == (3 if asks else 0)
    told = capsys.readouterr()
    assert ("of-nobody" in told.err) is asks
    service.cache_clear()
    assert service().service_name == "sagemaker"  # as `check` reads it
