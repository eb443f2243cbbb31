"""The image: what is packed into it, and that a container of it can do a job's work as anybody."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from helpers.ranges import ROOT

from aws.image.image import context
from pipelines.cli.main import main
from pipelines.runners.process.code import code_of


def names(packed: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        return archive.getnames()


def docker(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, timeout=180)


def test_the_context_holds_the_steps_and_nothing_of_the_command_line() -> None:
    packed = names(context())
    assert {f"code/{name}" for name in ("training/train.py", "processing/evaluate.py")} <= set(packed)
    assert {"aws/image/container/Dockerfile", "aws/image/container/requirements-cpu.txt"} <= set(packed)
    assert {name.split("/")[0] for name in packed} == {"code", "aws"}
    of_aws = {name for name in packed if name.startswith("code/aws/")}
    assert {name.removeprefix("code/aws/").split("/")[0] for name in of_aws} == {
        "__init__.py",
        "client.py",
        "jobs",
    }
    assert not [name for name in packed if "__pycache__" in name or name.endswith(".pyc")]


def test_the_same_sources_give_the_same_context_wherever_they_lie(tmp_path: Path) -> None:
    for folder in ("boomerang", "processing", "training", "aws"):
        shutil.copytree(ROOT / folder, tmp_path / folder, copy_function=shutil.copyfile)
    (tmp_path / "training" / "__pycache__").mkdir(exist_ok=True)
    (tmp_path / "training" / "__pycache__" / "x.pyc").write_bytes(b"other")
    assert context(tmp_path) == context()
    (tmp_path / "training" / "train.py").write_text("changed")
    assert context(tmp_path) != context()


@pytest.mark.parametrize("module", ["aws.jobs.sign", "aws.jobs.canary_job"])
def test_a_job_that_calls_aws_finds_all_its_code_in_the_image(module: str) -> None:
    packed = set(names(context()))
    assert {f"code/{name}" for name in code_of(module, ROOT).files} <= packed


def run_local(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipelines", "run", "--on", "local", "--out", str(tmp_path / "runs")]
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_without_docker_one_line_says_what_to_install(tmp_path: Path) -> None:
    done = run_local(tmp_path, PATH=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith("error: Docker is needed: there is no `docker` command\n  install ")
    assert "Traceback" not in done.stderr and not (tmp_path / "runs").exists()


def test_without_an_engine_it_says_so(tmp_path: Path) -> None:
    fake(tmp_path, 'echo "Cannot connect to the Docker daemon" >&2; exit 1')
    done = run_local(tmp_path, PATH=f"{tmp_path}:/usr/bin:/bin")
    assert done.returncode == 2 and "Cannot connect to the Docker daemon" in done.stderr
    assert "start the Docker service" in done.stderr


def test_without_compose_it_says_so(tmp_path: Path) -> None:
    fake(tmp_path, 'test "$1" = version && echo 28.0; test "$1" = version')
    done = run_local(tmp_path, PATH=str(tmp_path))
    assert done.returncode == 2 and "Docker Compose is needed" in done.stderr


def fake(folder: Path, script: str) -> None:
    command = folder / "docker"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o755)


ENGINE = """
case "$1" in
  build) echo "$@" >>"$0.built"; cat >/dev/null;;
  image) echo "sha256:%s 5000000";;
  run) echo "$@" >>"$0.said"; %s;;
esac
"""


@pytest.mark.parametrize(("bill", "code"), [("echo bill", 0), ("exit 1", 2)])
def test_the_bill_of_materials_is_put_beside_the_image(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    bill: str,
    code: int,
) -> None:
    engine(tmp_path, monkeypatch, bill)
    assert main(["image", "--sbom", str(tmp_path / "build/image.cdx.json")]) == code
    asked = (tmp_path / "docker.said").read_text()
    assert asked == f"run --rm --network none sha256:{'a' * 64} cat /opt/boomerang/sbom.cdx.json\n"
    if code:
        assert "it has no bill of materials" in capfd.readouterr().err and not (tmp_path / "build").exists()
    else:
        assert (tmp_path / "build/image.cdx.json").read_text() == "bill\n"


def engine(folder: Path, monkeypatch: pytest.MonkeyPatch, bill: str = "true") -> None:
    """Put in place a Docker that builds at once, and notes how it was asked to."""
    fake(folder, ENGINE % ("a" * 64, bill))
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


AWS = "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-training:2.21.0-gpu-py312"


@pytest.mark.parametrize(
    ("options", "built"),
    [
        ([], "-t boomerang:gpu --build-arg ACCELERATOR=gpu -"),
        (["--set", "jobs.training_instance=ml.m5.xlarge"], "-t boomerang:cpu --build-arg ACCELERATOR=cpu -"),
        (["--config", "cifar10"], "-t boomerang:gpu --build-arg ACCELERATOR=gpu -"),
        (["--config", "cifar10", "--accelerator", "cpu"], "-t boomerang:cpu --build-arg ACCELERATOR=cpu -"),
        pytest.param(
            ["--accelerator", "gpu", "--base", "aws"],
            f"-t boomerang:gpu --build-arg ACCELERATOR=gpu --build-arg BASE={AWS} -",
            marks=pytest.mark.whole,  # asks the SDK for the address
        ),
        (
            ["--accelerator", "gpu", "--base", "my/python", "--tag", "mine", "--docker=--network=host"],
            "-t mine --build-arg ACCELERATOR=gpu --build-arg BASE=my/python --network=host -",
        ),
    ],
)
def test_the_image_is_for_what_the_entry_trains_on_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], built: str
) -> None:
    engine(tmp_path, monkeypatch)
    assert main(["image", *options]) == 0
    assert (tmp_path / "docker.built").read_text() == f"build -f aws/image/container/Dockerfile {built}\n"


def test_aws_container_is_no_base_for_a_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine(tmp_path, monkeypatch)
    assert main(["image", "--accelerator", "cpu", "--base", "aws"]) == 2
    assert "--base aws: AWS' training container is for a GPU" in capsys.readouterr().err
    assert not (tmp_path / "docker.built").exists()


def test_an_image_that_is_not_there_says_how_to_build_it(image: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipelines", "run", "--on", "local", "--image", "boomerang:missing"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2 and "boomerang:missing" in done.stderr and "make image" in done.stderr


@pytest.mark.parametrize("user", ["0:0", "12345:12345"])
def test_the_image_checks_itself_as_any_user_without_a_network(image: str, user: str) -> None:
    done = docker("run", "--rm", "--network", "none", "--user", user, image, "selfcheck")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WRONG" not in done.stdout and done.stdout.count("ok ") == 6


def test_nothing_that_builds_software_is_in_it(image: str) -> None:
    done = docker("run", "--rm", image, "sh", "-c", "command -v cc gcc g++ ld make pip pip3 || echo none")
    assert done.stdout.strip() == "none"


def test_a_training_without_its_hyperparameters_says_what_is_missing(image: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    done = docker("run", "--rm", "--user", "12345:12345", "-v", f"{tmp_path}:/opt/ml/output", image, "train")
    assert done.returncode == 2
    assert "hyperparameters.json" in (tmp_path / "failure").read_text()
