"""`deploy`, `run --on aws` and `destroy` in the cloud of `tests/helpers/cloud.py`, by the command line.

Drawing a definition takes seconds, so but for one test a small one stands for it (`drawn`); what is staged
is the real thing.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.cloud import IMAGE, REGION, Cloud, Interrupt
from helpers.deploying import DEPLOY, TINY, draw_small, placed
from helpers.ranges import ROOT

from aws.account import Account
from aws.stack.intrinsics import load_template
from aws.stack.live import find
from aws.stack.policy import Call, Statement, allows, granted_actions, read_statement, recording
from aws.upload import Place, Uploaded, reject_code
from boomerang.errors import EXIT_PASSED, AwsError, BadInput, ConfigError, IntegrityError, UsageError
from pipelines.cli.main import main
from pipelines.cloud.destroy import KEPT


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    with placed(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small definitions in place of drawn ones."""
    draw_small(monkeypatch)


# ---- a deploy as a whole


@pytest.mark.whole
def test_the_real_definitions_are_deployed_and_a_second_deploy_changes_nothing(
    here: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(DEPLOY) == EXIT_PASSED
    first = capsys.readouterr()
    assert "next: python -m pipelines run --on aws --config tiny.toml" in first.out
    assert "Add" in first.out and "account 123456789012, region eu-west-1" in first.err

    before = here.state()
    parameters = before["parameters"]
    pipeline = json.loads(stored(here, parameters["DefinitionS3Key"]))
    assert pipeline["Steps"][0]["Name"] == "Preprocess"
    (canary,) = json.loads(stored(here, parameters["CanaryDefinitionS3Key"]))["Steps"]
    assert canary["Name"] == "Canary"
    assert before["pipelines"].keys() == {"boomerang", "boomerang-canary"}
    assert all(sha in key for key, sha in before["objects"].items() if "/inputs/" not in key)

    with recording(here.session) as calls:
        assert main(DEPLOY) == EXIT_PASSED
    assert "nothing had to be changed" in capsys.readouterr().out
    assert here.state() == before
    changing = re.compile(r"^(Put|Execute|Start|Update|Delete(?!ChangeSet))")
    assert [call.operation for call in calls if changing.match(call.operation)] == []


def stored(here: Cloud, key: str) -> bytes:
    bucket = here.outputs()["DataBucketName"]
    content: bytes = here.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return content


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a deploy leaves that nobody interrupts."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        draw_small(monkeypatch)
        with placed(tmp_path_factory.mktemp("undisturbed"), monkeypatch) as made:
            assert main(DEPLOY) == EXIT_PASSED
            return made.state()


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize(
    "where",
    [
        pytest.param(Interrupt("CreateChangeSet"), id="after the change set"),
        pytest.param(Interrupt("ExecuteChangeSet"), id="after the first go"),
        pytest.param(Interrupt("DescribeImages", nth=2), id="after the image"),
        pytest.param(Interrupt("PutObject", nth=10), id="half way through the uploads"),
        pytest.param(Interrupt("ExecuteChangeSet", nth=2), id="after the second go"),
        pytest.param(Interrupt("PutDashboard", after=False), id="before the dashboard"),
        pytest.param(Interrupt("GetAuthorizationToken"), id="before the push"),
    ],
)
def test_an_interrupted_deploy_is_repeated_and_ends_the_same(
    here: Cloud, undisturbed: dict[str, Any], where: Interrupt
) -> None:
    where.seen = 0
    here.interrupt = where
    assert main(DEPLOY) == 130
    assert where.seen == where.nth
    assert main(DEPLOY) == EXIT_PASSED
    assert here.state() == undisturbed
    assert sum(call.startswith("push") for call in here.docker()) == 1
    assert here._sets == {}  # no change set is left either


@pytest.mark.usefixtures("drawn")
def test_other_settings_change_the_pipelines_and_what_they_need_only(
    here: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*DEPLOY, "--parameter", "MaxDrop=0.03"]) == EXIT_PASSED
    before = here.state()
    capsys.readouterr()
    assert main([*DEPLOY, "--set", "seed=7"]) == EXIT_PASSED
    shown = capsys.readouterr().out
    assert "Modify" in shown and "Pipeline " in shown and "RejectFunction" not in shown
    after = here.state()
    assert after["parameters"]["MaxDrop"] == "0.03"
    changed = {key for key in before["parameters"] if before["parameters"][key] != after["parameters"][key]}
    assert changed == {"DefinitionS3Key"}
    assert before["objects"].items() < after["objects"].items()


@pytest.mark.usefixtures("drawn")
def test_a_package_group_that_is_there_is_taken_over(here: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    here.client("sagemaker").create_model_package_group(ModelPackageGroupName="boomerang")
    assert main(DEPLOY) == EXIT_PASSED
    assert "boomerang is there already" in capsys.readouterr().err
    assert here.state()["parameters"]["CreatePackageGroup"] == "false"


@pytest.mark.usefixtures("drawn")
def test_the_dashboard_shows_the_newest_package(here: Cloud) -> None:
    assert main(DEPLOY) == EXIT_PASSED
    here.client("sagemaker").create_model_package(
        ModelPackageGroupName="boomerang", ModelApprovalStatus="Rejected"
    )
    assert main(DEPLOY) == EXIT_PASSED
    assert "version 1" in here.state()["dashboards"]["boomerang"]


# ---- the person at the terminal


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize(("answer", "is_made"), [("n\n", False), ("\n", False), ("y\n" * 2, True)])
def test_nothing_is_changed_before_the_person_agrees(
    here: Cloud, monkeypatch: pytest.MonkeyPatch, answer: str, is_made: bool
) -> None:
    terminal = io.StringIO(answer)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True, readline=terminal.readline))
    assert main(["deploy"]) == (EXIT_PASSED if is_made else UsageError.exit_code)
    assert bool(here.client("s3").list_buckets()["Buckets"]) is is_made
    assert (find(Account(REGION), "boomerang") is not None) is is_made
    assert here._sets == {}


@pytest.mark.usefixtures("drawn")
def test_without_a_terminal_it_asks_for_yes(
    here: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert main(["deploy"]) == UsageError.exit_code
    assert "give --yes" in capsys.readouterr().err


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize(
    "words",
    [["--parameter", "MaxDrops=1"], ["--project", "Range"], ["--set", "sed=1"], ["--parameter", "VpcId=v"]],
)
def test_a_mistake_is_found_before_aws_is_asked(here: Cloud, words: list[str]) -> None:
    with recording(here.session) as calls:
        assert main([*DEPLOY, *words]) == UsageError.exit_code
    assert calls == []


def test_a_definition_with_mistakes_is_not_deployed(
    here: Cloud, drawn: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = ["Preprocess: it is wrong"]
    monkeypatch.setattr("pipelines.cloud.deploy.check_definition", lambda definition: wrong)
    with recording(here.session) as calls:
        assert main(DEPLOY) == UsageError.exit_code
    assert calls == [] and "Preprocess: it is wrong" in capsys.readouterr().err


# ---- the image


@pytest.mark.usefixtures("drawn")
def test_the_password_of_the_registry_goes_through_a_pipe_and_nowhere_else(
    here: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(DEPLOY) == EXIT_PASSED
    password = (here.folder / "docker" / "password").read_text()
    told = capsys.readouterr()
    assert password and password not in "".join([*here.docker(), told.out, told.err])
    assert here.docker()[-1].startswith("logout ")
    (pushed,) = here.state()["images"]
    assert pushed["imageTag"] == IMAGE.removeprefix("sha256:")
    assert f"boomerang@{pushed['imageDigest']}" in told.out


@pytest.mark.usefixtures("drawn")
def test_an_image_that_is_pushed_already_is_named_by_digest(
    here: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(DEPLOY) == EXIT_PASSED
    (pushed,) = here.state()["images"]
    uri = f"{here.outputs()['RepositoryUri']}@{pushed['imageDigest']}"
    (here.folder / "bin" / "docker").unlink()
    capsys.readouterr()
    assert main([*DEPLOY, "--image-uri", uri]) == EXIT_PASSED
    assert "nothing had to be changed" in capsys.readouterr().out
    for wrong, code, said in [
        ("boomerang:gpu", UsageError.exit_code, "it is not REPOSITORY@sha256:DIGEST"),
        (f"elsewhere/boomerang@{pushed['imageDigest']}", UsageError.exit_code, "from one repository only"),
        (f"{here.outputs()['RepositoryUri']}@{IMAGE}", AwsError.exit_code, "does not have it"),
    ]:
        assert main([*DEPLOY, "--image-uri", wrong]) == code
        assert said in capsys.readouterr().err


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize(
    ("options", "asked", "warned"),
    [
        ([], "boomerang:gpu", False),  # the entry trains on ml.g4dn.xlarge
        (["--set", "jobs.training_instance=ml.m5.xlarge"], "boomerang:cpu", False),
        (["--image", "boomerang:cpu"], "boomerang:cpu", True),
        (["--image", "mine"], "mine", False),
    ],
)
def test_the_image_is_the_one_for_what_the_entry_trains_on(
    here: Cloud, capsys: pytest.CaptureFixture[str], options: list[str], asked: str, warned: bool
) -> None:
    here.interrupt = Interrupt("CreateChangeSet")  # it is far enough then
    assert main([*DEPLOY, *options]) == 130
    (inspected,) = [call.split()[-1] for call in here.docker() if call.startswith("image inspect")]
    said = "the image boomerang:cpu uses no GPU, and training runs on ml.g4dn.xlarge"
    assert (inspected, said in capsys.readouterr().err) == (asked, warned)


@pytest.mark.usefixtures("drawn")
def test_the_image_that_is_not_built_yet_is_named_with_how_to_build_it(
    here: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    command = here.folder / "bin" / "docker"
    command.write_text('#!/bin/sh\n[ "$1" = version ] && echo 27.0\n')
    assert main(DEPLOY) == ConfigError.exit_code
    said = capsys.readouterr().err
    assert "image boomerang:gpu: Docker has no image" in said and "make image ACCELERATOR=gpu" in said


@pytest.mark.usefixtures("drawn")
def test_a_push_that_fails_is_said_and_signs_out(here: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    (here.folder / "docker" / "refuse").touch()
    assert main(DEPLOY) == AwsError.exit_code
    assert "was not pushed" in capsys.readouterr().err
    assert here.docker()[-1].startswith("logout ")


# ---- the uploads


@pytest.mark.usefixtures("drawn")
def test_everything_is_encrypted_with_our_key(here: Cloud) -> None:
    assert main(DEPLOY) == EXIT_PASSED
    outputs, s3 = here.outputs(), here.client("s3")
    for key in here.objects():
        head = s3.head_object(Bucket=outputs["DataBucketName"], Key=key)
        assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", outputs["DataKeyArn"])


@pytest.mark.usefixtures("drawn")
def test_other_content_under_the_name_of_a_definition_is_found(
    here: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(DEPLOY) == EXIT_PASSED
    key = here.state()["parameters"]["DefinitionS3Key"]
    here.client("s3").put_object(
        Bucket=here.outputs()["DataBucketName"], Key=key, Body=b"{}", ChecksumAlgorithm="SHA256"
    )
    capsys.readouterr()
    assert main(DEPLOY) == IntegrityError.exit_code
    assert "another content lies there" in capsys.readouterr().err
    assert main(["run", "--on", "aws", *TINY]) == IntegrityError.exit_code


@pytest.mark.usefixtures("drawn")
@pytest.mark.parametrize(
    ("where", "content"),
    [
        ("{input}/more.png", b"more"),
        ("{input}/planes/sub/more.png", b"more"),
        ("{input}-2/more.png", b"more"),
        ("{input}/planes/3.png", b"another"),
    ],
    ids=["added", "added in a folder", "added beside it, where SageMaker looks too", "exchanged"],
)
def test_what_somebody_put_among_the_inputs_is_named_and_nothing_is_uploaded(
    here: Cloud, capsys: pytest.CaptureFixture[str], where: str, content: bytes
) -> None:
    assert main(DEPLOY) == EXIT_PASSED
    pictures = next(key for key in here.objects() if key.endswith("/planes/3.png"))
    key = where.format(input=pictures.removesuffix("/planes/3.png"))
    here.client("s3").put_object(
        Bucket=here.outputs()["DataBucketName"], Key=key, Body=content, ChecksumAlgorithm="SHA256"
    )
    capsys.readouterr()
    with recording(here.session) as calls:
        assert main([*DEPLOY, "--set", "seed=7"]) == IntegrityError.exit_code
    assert f"s3://{here.outputs()['DataBucketName']}/{key}\n" in capsys.readouterr().err
    assert not [call for call in calls if call.operation in {"PutObject", "ExecuteChangeSet"}]


@pytest.mark.usefixtures("drawn")
def test_an_object_that_somebody_puts_meanwhile_is_not_written_over(
    here: Cloud, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(DEPLOY) == EXIT_PASSED
    key = here.state()["parameters"]["DefinitionS3Key"]
    monkeypatch.setattr(Account, "stored", lambda *_: None)  # it was not there when it was looked for
    assert main(DEPLOY) == AwsError.exit_code
    assert "PreconditionFailed" in capsys.readouterr().err
    assert set(here.objects()) >= {key}  # of which there is one version each


def test_a_file_and_a_folder_are_uploaded_once(here: Cloud, tmp_path: Path) -> None:
    bucket = "some-bucket"
    here.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    (folder / "a").write_bytes(b"a")
    (folder / "inner" / "b").write_bytes(b"b")
    place = Place(Account(REGION), bucket, "arn:aws:kms:eu-west-1:123456789012:key/k")
    staged = {
        f"s3://{bucket}/p/one": folder,
        f"s3://{bucket}/p/two": folder / "a",
        f"s3://{bucket}/p/3": b"c",
    }
    assert place.upload(staged) == Uploaded(put=4)
    assert place.upload(staged) == Uploaded(kept=4)
    listed = here.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert [each["Key"] for each in listed] == ["p/3", "p/one/a", "p/one/inner/b", "p/two"]


def test_a_folder_that_the_bucket_keeps_for_jobs_is_refused_before_anything_is_uploaded(here: Cloud) -> None:
    here.client("s3").create_bucket(Bucket="bbb", CreateBucketConfiguration={"LocationConstraint": REGION})
    staged = {f"s3://bbb/p/inputs/{'ab' * 32}/{name}": b"x" for name in ("a.png", "planes/runs/b.png")}
    with pytest.raises(BadInput, match=r"a folder named `runs`: planes/runs/b\.png"):
        Place(Account(REGION), "bbb", "k").upload(staged)
    assert "Contents" not in here.client("s3").list_objects_v2(Bucket="bbb")


def test_what_somebody_put_beside_a_given_model_is_found(here: Cloud) -> None:
    here.client("s3").create_bucket(Bucket="bbb", CreateBucketConfiguration={"LocationConstraint": REGION})
    model = f"p/inputs/given/{'ab' * 32}"
    here.client("s3").put_object(Bucket="bbb", Key=f"{model}/other.h5", Body=b"y")
    with pytest.raises(IntegrityError, match=r"other\.h5"):
        Place(Account(REGION), "bbb", "k").upload({f"s3://bbb/{model}/own.h5": b"x"})


def test_a_file_that_s3_does_not_take_at_once_is_refused(
    here: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aws.upload.MAX_OBJECT_BYTES", 3)
    here.client("s3").create_bucket(Bucket="bbb", CreateBucketConfiguration={"LocationConstraint": REGION})
    (tmp_path / "large").write_bytes(b"four")
    with pytest.raises(BadInput, match="it has 4 bytes, S3 takes 3"):
        Place(Account(REGION), "bbb", "k").upload({"s3://bbb/x": tmp_path / "large"})


def test_the_function_s_code_is_the_same_bytes_every_time(tmp_path: Path) -> None:
    source = tmp_path / "handler.py"
    source.write_text("def handler(event, context): ...\n")
    first = reject_code(source)
    source.touch()
    assert reject_code(source) == first
    with zipfile.ZipFile(io.BytesIO(reject_code())) as archive:
        (info,) = archive.infolist()
        assert (info.filename, info.external_attr >> 16) == ("handler.py", 0o100644)
        assert b"def handler(" in archive.read(info)


# ---- run --on aws


@pytest.mark.usefixtures("drawn")
def test_a_run_starts_what_is_deployed_and_nothing_else(
    here: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--on", "aws", *TINY]) == AwsError.exit_code
    assert "deploy it: python -m pipelines deploy --project boomerang" in capsys.readouterr().err
    assert main(DEPLOY) == EXIT_PASSED
    capsys.readouterr()

    assert main(["run", "--on", "aws", *TINY, "--id", "first-run"]) == EXIT_PASSED
    arn = capsys.readouterr().out.strip()
    found = here.client("sagemaker").describe_pipeline_execution(PipelineExecutionArn=arn)
    assert found["PipelineExecutionDisplayName"] == "first-run"

    assert main(["run", "--on", "aws", *TINY, "--set", "seed=7"]) == AwsError.exit_code
    assert "python -m pipelines deploy --config tiny.toml --set seed=7" in capsys.readouterr().err
    assert main(["run", "--on", "aws", *TINY, "--id", "no_such name"]) == UsageError.exit_code
    assert main(["run", "--on", "aws", *TINY, "--image", "boomerang:gpu"]) == UsageError.exit_code
    executions = here.client("sagemaker").list_pipeline_executions(PipelineName="boomerang")
    assert len(executions["PipelineExecutionSummaries"]) == 1


@pytest.mark.usefixtures("drawn")
def test_a_deploy_that_was_interrupted_has_nothing_to_run(
    here: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    here.interrupt = Interrupt("ExecuteChangeSet")
    assert main(DEPLOY) == 130
    assert main(["run", "--on", "aws", *TINY]) == AwsError.exit_code
    assert "finish the deploy" in capsys.readouterr().err


# ---- destroy


@pytest.mark.usefixtures("drawn")
def test_destroy_says_what_stays_and_leaves_nothing_else(
    here: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(DEPLOY) == EXIT_PASSED
    outputs = here.outputs()
    capsys.readouterr()
    assert main(["destroy", "--yes"]) == EXIT_PASSED
    shown = capsys.readouterr().out
    for output in ("DataBucketName", "LogBucketName", "DataKeyArn", "SigningKeyArn", "PackageGroupName"):
        assert outputs[output] in shown
    assert all(kept.why in shown for kept in KEPT.values())

    buckets = {each["Name"] for each in here.client("s3").list_buckets()["Buckets"]}
    assert buckets == {outputs["DataBucketName"], outputs["LogBucketName"]}
    assert here.client("sagemaker").list_pipelines()["PipelineSummaries"] == []
    assert here.client("cloudwatch").list_dashboards()["DashboardEntries"] == []
    assert here.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert here.client("scheduler").list_schedules()["Schedules"] == []
    assert here.client("iam").list_roles()["Roles"] == []

    assert main(["destroy", "--yes"]) == EXIT_PASSED
    assert "nothing to delete" in capsys.readouterr().out
    assert main(DEPLOY) == EXIT_PASSED  # the package group that stayed is taken over
    assert here.state()["parameters"]["CreatePackageGroup"] == "false"


@pytest.mark.usefixtures("drawn")
def test_destroy_waits_for_nobody_s_execution(here: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(DEPLOY) == EXIT_PASSED
    main(["run", "--on", "aws", *TINY])
    arn = capsys.readouterr().out.strip().splitlines()[-1]
    here.end(arn, "Executing")
    assert main(["destroy", "--yes"]) == AwsError.exit_code
    assert "aws sagemaker stop-pipeline-execution" in capsys.readouterr().err
    here.end(arn, "Stopped")
    here.interrupt = Interrupt("DeleteDashboards")
    assert main(["destroy", "--yes"]) == 130
    assert main(["destroy", "--yes"]) == EXIT_PASSED


def test_what_stays_is_what_the_template_retains_and_the_docs_say() -> None:
    resources = load_template()["Resources"]
    retained = {name for name, entry in resources.items() if entry.get("DeletionPolicy") == "Retain"}
    assert KEPT.keys() == retained
    page = (ROOT / "docs" / "aws.md").read_text().partition("## What outlives the stack")[2]
    assert dict(re.findall(r"\| `(\w+)` \| (.+) \|", page)) == {name: kept.why for name, kept in KEPT.items()}


# ---- what the person who deploys may do

# Made by others than boto3, with the deployer's credentials; each with its source.
OTHERS_NEED = {
    **dict.fromkeys(
        (
            *("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload"),
            *("ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart"),
        ),
        "ECR User Guide, IAM permissions for pushing an image",
    ),
    "iam:PassRole": "CloudFormation User Guide, service role: asked of who names one (--role-arn)",
    "kms:Decrypt": "S3 User Guide, SSE-KMS: asked of who reads",
    "kms:GenerateDataKey": "S3 User Guide, SSE-KMS: asked of who writes",
    "s3:ListBucket": "S3 API Reference, HeadObject: without it what is not there is answered with 403",
}
ARN = f"arn:aws:{{}}:{REGION}:123456789012:{{}}"


def deployer() -> list[Statement]:
    document = json.loads((ROOT / "aws" / "stack" / "deployer.json").read_text())
    return [read_statement(each) for each in document["Statement"]]


def about(call: Call, outputs: dict[str, str]) -> tuple[str, dict[str, Any]]:  # noqa: PLR0911  # a table
    """Return the ARN that a call is on, as IAM sees it, and the condition keys that AWS adds."""
    given = call.parameters
    match call.service, call.operation:
        case "cloudformation", _:
            return ARN.format("cloudformation", "stack/boomerang/0-0"), {}
        case "s3", "ListObjectsV2":
            return f"arn:aws:s3:::{given['Bucket']}", {}
        case "s3", _:
            return f"arn:aws:s3:::{given['Bucket']}/{given['Key']}", {}
        case "kms", _:
            alias = {outputs["SigningKeyArn"]: "alias/boomerang-signing"}[given["KeyId"]]
            return given["KeyId"], {"kms:ResourceAliases": [alias]}
        case "ecr", "DescribeImages":
            return ARN.format("ecr", f"repository/{given['repositoryName']}"), {}
        case "sagemaker", _ if "PipelineExecutionArn" in given:
            return given["PipelineExecutionArn"], {}
        case "sagemaker", _ if "PipelineName" in given:
            return ARN.format("sagemaker", f"pipeline/{given['PipelineName']}"), {}
        case "sagemaker", "DescribeModelPackage":
            return given["ModelPackageName"], {}
        case "sagemaker", "ListModelPackages":
            return ARN.format("sagemaker", f"model-package/{given['ModelPackageGroupName']}/*"), {}
        case "sagemaker", _:
            return ARN.format("sagemaker", f"model-package-group/{given['ModelPackageGroupName']}"), {}
        case "cloudwatch", _ if call.operation != "DescribeAlarms":
            return "arn:aws:cloudwatch::123456789012:dashboard/boomerang", {}
    return "*", {}


@pytest.mark.usefixtures("drawn")
def test_the_deployer_may_do_what_is_called_and_nothing_else(
    here: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    with recording(here.session) as calls:
        assert main(DEPLOY) == EXIT_PASSED
        outputs = here.outputs()
        here.client("sagemaker").create_model_package(
            ModelPackageGroupName="boomerang", ModelApprovalStatus="Approved"
        )
        assert main(DEPLOY) == EXIT_PASSED
        assert main(["run", "--on", "aws", *TINY, "--wait"]) == EXIT_PASSED
        assert main(["status"]) == EXIT_PASSED
        here.break_next("Repository", "The repository is used")
        assert main(["destroy", "--yes"]) == AwsError.exit_code
        assert main(["destroy", "--yes"]) == EXIT_PASSED
    granted = deployer()
    for call in calls:
        resource, context = about(call, outputs)
        for action in call.actions:
            assert allows(granted, action, resource, call.context | context), (action, resource)
    called = {action for call in calls for action in call.actions}
    assert granted_actions(granted) - called - OTHERS_NEED.keys() == set()
    assert granted_actions(granted) >= OTHERS_NEED.keys()


def test_no_action_of_the_deployer_is_a_wildcard_and_every_resource_is_named() -> None:
    granted = deployer()
    assert not [action for action in granted_actions(granted) if "*" in action]
    assert {each.sid for each in granted if "*" in each.resources} == {
        "KnowWhoAsks",  # sts:GetCallerIdentity takes no resource
        "SignInToTheRegistry",  # nor does ecr:GetAuthorizationToken
        "SeeAlarms",  # composite alarms are shown only to who may see all alarms
    }
    key = "arn:aws:kms:eu-west-1:123456789012:key/other"
    other = {"kms:ResourceAliases": ["alias/payroll"]}
    assert not allows(granted, "kms:GenerateDataKey", key, other)
    assert not allows(
        granted, "s3:PutObject", "arn:aws:s3:::boomerang-databucket-x/boomerang/default/runs/1/x"
    )
