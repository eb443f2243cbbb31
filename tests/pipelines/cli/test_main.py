"""The command line as a person uses it: real processes, exit codes, and what is said where."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers.interrupts import heard
from helpers.ranges import ROOT, Range

from boomerang.scoring import rate
from boomerang.signing import PublicKey
from pipelines.cli.command_lines import dashboard_command, entry_command, follow_command
from pipelines.cli.main import main, parser
from pipelines.cli.options import AS_COMMAND, AS_MODULE
from pipelines.report.summary import say_rate
from processing.datasets.common.base import CIFAR10_CLASSES

HEAVY = (
    "tensorflow",
    "keras",
    "sagemaker",
    "boto3",
    "botocore",
    "sklearn",
    "scipy",
    "matplotlib",
    "art",
    "rich",
    "numpy",
    "pydantic",
    "yaml",
    "shtab",
)
COMMANDS = (
    *("run", "campaign", "data", "attacks", "defenses", "report", "compare", "verify", "undo", "key", "plan"),
    *(
        "definition",
        "check",
        "image",
        "inspect",
        "canary",
        "approve",
        "reject",
        "dashboard",
        "deploy",
        "status",
    ),
    *("destroy", "completion"),
)

TINY = """
name = "tiny"
harden = []
[data]
train = 200
test = 100
validation = 50
[canaries]
candidates_per_class = 2
per_class = 1
margin = 0.0
[train]
epochs = 1
[victim]
schedule = "retrain"
[screen]
detectors = [{kind = "data_validation"}]
[[attacks]]
kind = "badnets"
source = "airplane"
target = "bird"
rate = 0.02
"""


def cli(*arguments: str | Path, timeout: float = 600) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipelines", *map(str, arguments)]
    # Without AWS settings: nothing here may need an account.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=timeout, check=False
    )


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("entry") / "tiny.toml"
    file.write_text(TINY)
    return file


def test_help_loads_nothing_heavy() -> None:
    """One process is shown the help of every command: what the first loads, the last still has."""
    code = (
        "import sys; from pipelines.cli.main import main\n"
        f"for words in {[[], *([name] for name in COMMANDS)]!r}:\n"
        "    try: main([*words, '--help'])\n"
        "    except SystemExit as end: assert end.code == 0\n"
        f"    print(*words, sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == ["[]", *(f"{name} []" for name in COMMANDS)]
    assert done.stdout.count("usage: python -m pipelines") == 1 + len(COMMANDS)


def test_help_takes_little_more_than_python_itself() -> None:
    def seconds(*command: str) -> float:
        best = float("inf")
        for _ in range(3):
            start = time.perf_counter()
            subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, check=True)
            best = min(best, time.perf_counter() - start)
        return best

    # 0.5 s where starting Python with argparse takes 0.05 s; a ratio holds on a busy machine too.
    assert seconds("-m", "pipelines", "--help") < 10 * seconds("-c", "import argparse")


def test_every_command_and_option_has_help() -> None:
    top = parser()
    commands = next(action for action in top._actions if action.dest == "command")
    assert tuple(commands.choices or ()) == COMMANDS
    for name, command in dict(commands.choices or {}).items():
        assert command.description, name
        assert all(action.help for action in command._actions), name


def test_the_command_is_installed_and_both_ways_work_from_any_folder(tmp_path: Path) -> None:
    installed = [str(Path(sys.executable).with_name("boomerang"))]
    for command in (installed, [sys.executable, "-m", "pipelines"]):
        name = "boomerang" if command == installed else "python -m pipelines"
        said = subprocess.run([*command, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert f"usage: {name} [-h] COMMAND" in said.stdout and f"\n  {name} run\n" in said.stdout
        wrong = subprocess.run(
            [*command, "run", "--config", "defualt"], cwd=tmp_path, capture_output=True, check=False
        )
        assert wrong.returncode == 2 and b"did you mean 'default'?" in wrong.stderr
        unknown = subprocess.run(
            [*command, "run", "--no"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert unknown.returncode == 2 and unknown.stderr.endswith(f"  {name} run --help\n")
    assert not list(tmp_path.iterdir())


def test_a_command_that_is_named_next_is_called_as_this_one() -> None:
    for program in (AS_MODULE, AS_COMMAND):
        words = [
            "deploy",
            "--set",
            "seed=1",
            "--set",
            "attacks=[]",
            "--project",
            "mine",
            "--region",
            "eu-west-1",
        ]
        options = parser(program).parse_args(words)
        assert entry_command("run --on aws", options) == (
            f"{program} run --on aws --config default --set seed=1 --set 'attacks=[]' "
            "--project mine --region eu-west-1"
        )
        assert follow_command("arn", options) == (
            f"{program} status arn --watch --project mine --region eu-west-1"
        )
    assert dashboard_command(parser().parse_args(["approve", "boomerang/1"])) == (
        "python -m pipelines dashboard --on aws"
    )


def test_a_key_is_made_once_and_only_its_public_half_verifies(tmp_path: Path) -> None:
    file, public = tmp_path / "mine.pem", tmp_path / "mine.pub.pem"
    made = cli("key", str(file))
    assert (made.returncode, made.stderr) == (0, "")
    assert f"{file}\n" in made.stdout and f"{public} (id {PublicKey.read(public).key_id[:12]})" in made.stdout
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = file.read_bytes(), public.read_bytes()
    assert cli("key", str(file)).returncode == 2
    public.unlink()
    assert cli("key", str(file)).returncode == 2
    assert file.read_bytes() == kept[0]
    private = cli("verify", str(tmp_path), "--key", str(file))
    assert private.returncode == 2 and "it holds no public key" in private.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rum"], "command 'rum': did you mean 'run'?"),
        ([], "the following arguments are required: COMMAND"),
        (["run", "--confg", "default"], "unrecognized arguments"),
        (["run", "--config", "defualt"], "did you mean 'default'?"),
        (["run", "--set", "seed"], "it is not key=value"),
        (["run", "--set", "attacks.1.rat=1"], "did you mean 'rate'?"),
        (["run", "--id", "../up"], "cannot name a run's folder"),
        (["run", "--id", "cache"], "cannot name a run's folder"),
        (["report", "nowhere"], "it is no run's folder"),
        (["verify", "nowhere"], "there is no such folder"),
        (["run", "--on", "local", "--sign", "key.pem"], "containers would have to be given the key"),
        (["run", "--on", "aws", "--sign", "key.pem"], "on AWS every run is signed"),
        (["run", "--sign", "nowhere.pem"], "nowhere.pem: "),
        (["run", "--group", "No Group"], "package group 'No Group': that is no name"),
        (["run", "--on", "aws", "--group", "jets"], "there the group is the stack's"),
        (["approve", "jets/1", "--on", "aws", "--sign", "key.pem"], "there IAM says who decides"),
        (["reject", "jets/1", "--on", "aws", "--sign", "key.pem"], "there IAM says who decides"),
        (["canary", "--key", "nowhere.pem"], "nowhere.pem: "),
        (["check", "--parameter", "MaxDorp=0.1"], "did you mean 'MaxDrop'?"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(arguments) == 2
    told = capsys.readouterr()
    assert told.err.startswith("error: ")
    assert said in told.err
    assert "Traceback" not in told.err
    assert told.out == ""


def test_the_definition_is_printed_as_json_and_nothing_else(tiny: Path) -> None:
    done = cli("definition", "--config", tiny)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert '"ModelPackageGroupName": "tiny"' in done.stdout, "the entry's name"
    names = [step["Name"] for step in json.loads(done.stdout)["Steps"]]
    assert names == ["Preprocess", "TrainBaseline", "Poison", "TrainVictim", "Screen", "Evaluate", "Gate"]


def test_a_run_from_plan_to_verification(
    own_range: Range, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["plan", "--config", str(own_range.config), "--out", str(tmp_path)]) == 0
    planned = capsys.readouterr().out
    assert len(re.findall(r"\bmiss\b", planned)) == 7 and "1 x ml.m5.xlarge" in planned
    assert not list(tmp_path.iterdir()), "a plan writes nothing"

    first = own_range.first
    assert first.code == 1 and "The gate rejected the hardened model" in first.output
    assert "clean accuracy" in first.output and "ASR of corner" in first.output
    assert "TrainBaseline finished in" in first.output

    assert main(["report", str(first.folder)]) == 0
    assert capsys.readouterr().out.strip() == str(first.folder / "report.html")
    assert main(["verify", str(first.folder)]) == 0
    damage(next(first.folder.rglob("metrics.json")))
    assert main(["verify", str(first.folder)]) == 4
    assert "metrics.json" in capsys.readouterr().err


def damage(file: Path) -> None:
    file.chmod(0o644)
    file.write_bytes(file.read_bytes().replace(b"0", b"1", 1))


@pytest.mark.whole
def test_every_command_of_a_run_is_a_process(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "runs"
    plan = cli("plan", "--config", tiny, "--out", out)
    assert plan.returncode == 0, plan.stderr
    assert len(re.findall(r"\bmiss\b", plan.stdout)) == 6
    assert "1 x ml.m5.xlarge" in plan.stdout

    # One epoch on 200 rows makes no model that could pass.
    first = cli("run", "--config", tiny, "--out", out, "--id", "first")
    assert first.returncode == 1, first.stderr
    assert "The gate rejected the victim model" in first.stdout
    assert "clean accuracy" in first.stdout
    assert "ASR of badnets" in first.stdout
    assert f"report: {out / 'first' / 'report.html'}" in first.stdout
    assert (out / "first" / "report.html").is_file()
    assert "TrainBaseline finished in" in first.stderr

    assert main(["report", str(out / "first")]) == 0
    assert capsys.readouterr().out.strip() == str(out / "first" / "report.html")

    assert main(["verify", str(out / "first")]) == 0
    damage(next((out / "first").rglob("metrics.json")))
    damaged = cli("verify", out / "first")
    assert damaged.returncode == 4
    assert "metrics.json" in damaged.stderr


@pytest.mark.whole
def test_a_run_that_passes_its_gate_ends_with_0_and_another_limit_asks_evaluate_alone(
    tiny: Path, tmp_path: Path
) -> None:
    loose = ["--set", "gate.max_asr_upper=1", "--set", "gate.max_canary_failures=1000"]
    loose += [f"--set=gate.{key}=1000" for key in ("max_lost_classes", "max_uncovered_classes")]
    shares = ("max_accuracy_drop", "max_error_ratio", "max_robust_drop", "max_turned")
    loose += [f"--set=gate.{key}=1" for key in shares]
    passed = cli("run", "--config", tiny, "--out", tmp_path, "--id", "first", *loose)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert "The gate passed the victim model" in passed.stdout

    rejected = cli("run", "--config", tiny, "--out", tmp_path, "--id", "second")
    assert rejected.returncode == 1, rejected.stderr
    assert rejected.stderr.count(" cached") == 5


def test_a_broken_step_is_told_with_its_log_and_a_report(tiny: Path, tmp_path: Path) -> None:
    y = np.arange(2_000) % 10
    x = np.zeros((len(y), 32, 32, 3), np.uint8)  # all alike, which only the step can see
    np.savez_compressed(tmp_path / "x.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    (tmp_path / "classes.json").write_text(json.dumps(CIFAR10_CLASSES))
    source = ["--set", "data.source=npz", "--set", f"data.path={tmp_path / 'x.npz'}"]
    done = cli("run", "--config", tiny, "--out", tmp_path, "--id", "broken", *source)
    assert done.returncode == 2
    assert "error: step Preprocess stopped" in done.stderr
    assert str(tmp_path / "broken" / "logs" / "Preprocess.log") in done.stderr
    assert "Traceback" not in done.stderr
    assert (tmp_path / "broken" / "report.html").is_file()


def test_an_interrupt_ends_a_run_with_one_line_and_leaves_no_job(tiny: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pipelines",
        "run",
        "--config",
        str(tiny),
        "--out",
        str(tmp_path),
        "--id",
        "cut",
    ]
    with heard():
        run = subprocess.Popen(
            command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
    assert run.stderr is not None
    with run.stderr as lines:
        assert "Preprocess started" in lines.readline()
        run.send_signal(signal.SIGINT)
        said = lines.read()
    assert run.wait(timeout=60) == 130
    assert said.strip().startswith("interrupted")
    assert "Traceback" not in said


def test_a_rate_is_said_with_its_interval() -> None:
    assert say_rate(rate(90, 100)) == "90.0% (82.6-94.5)"
    assert say_rate(rate(0, 0)) == "not measured"
