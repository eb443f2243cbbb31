"""SageMaker's own local mode, made to run the whole pipeline: the one place that reaches into the SDK.

What the SDK (3.27) lacks there, and what is done about it:

- Neither of its two `LocalPipelineSession` classes runs a pipeline alone: one captures the requests of
  the steps, the other executes them. `LocalPipelines` is both.
- It reads property files from S3 and copies outputs to S3. Here an `s3://` address is a folder of the
  run, as it is for the `process` runner; no moto, no copy of what a job reads.
- It refuses pipelines with RegisterModel and Lineage steps. `_Execution` and `_Steps` let them go to the
  local registry and to the run's folder.
- Its containers write as root, stay after they ended, reach the internet, have no time limit and no
  checkpoints, may write into their inputs, and lose `/opt/ml/output`. `_Container` is what SageMaker does.
- Where several containers share a processing job, the first to end stops the others. Not here.
"""

from __future__ import annotations

# The SDK ships no type information, so what comes from it is Any.
# mypy: disable-error-code="import-untyped,no-untyped-call,misc,no-any-return"
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import Any
from unittest.mock import patch

import boto3

from aws.image.docker import ended, owned, remove_containers, stop_containers
from boomerang.contract import ML_ROOT
from boomerang.safeio import write_bytes_atomic
from pipelines.campaign.site import Site
from pipelines.definition.offline import offline
from pipelines.runners import interrupts
from pipelines.runners.containers.run_book import Book

with offline():
    import sagemaker.core.local.image as sdk_image
    import yaml
    from sagemaker.core.local.local_session import LocalSagemakerClient
    from sagemaker.core.workflow.pipeline_context import LocalPipelineSession as Capture
    from sagemaker.mlops.local import LocalPipelineSession as Execute
    from sagemaker.mlops.local.exceptions import StepExecutionException
    from sagemaker.mlops.local.pipeline import LocalPipelineExecutor, _StepExecutorFactory
    from sagemaker.mlops.local.pipeline_entities import _LocalPipelineExecution, _LocalPipelineExecutionStep
    from sagemaker.mlops.workflow.pipeline import Pipeline
    from sagemaker.mlops.workflow.steps import StepTypeEnum

_GRACE_S = 120  # as SageMaker gives between SIGTERM and SIGKILL


class LocalPipelines(Execute, Capture):
    """A session that draws a pipeline and runs it here, in containers.

    Parameters
    ----------
    site : Site
    network : str
        The Docker network that the containers are in.
    """

    def __init__(self, site: Site, network: str) -> None:
        account = boto3.Session(
            region_name=site.region, aws_access_key_id="none", aws_secret_access_key="none"
        )
        super().__init__(boto_session=account, default_bucket=site.bucket)
        self.network = network
        self.sagemaker_client = _Client(self)
        self.book: Book

    def run(self, pipeline: Pipeline, run_id: str, book: Book) -> None:
        """Run a pipeline to its end; the book says how it ended."""
        self.book = book
        containers = patch("sagemaker.core.local.local_session._SageMakerContainer", _Container)
        stream = patch("sagemaker.core.local.image._stream_output", self._stream)
        with containers, stream:
            _Steps(_Execution(run_id, pipeline, local_session=self), self).execute()

    # What the SDK does with S3, done with the run's folder.

    def read_s3_file(self, bucket: str, key_prefix: str) -> str:
        """Return the text of a file, as the property files of conditions are read."""
        return self.book.path(f"s3://{bucket}/{key_prefix}").read_text(encoding="utf-8")

    def upload_data(self, path: str, bucket: str, key_prefix: str = "data", **_: Any) -> str:
        """Keep what a job has left in a folder; of a job that failed nothing is kept."""
        uri = f"s3://{bucket}/{key_prefix.strip('/')}"
        if not self.book.work.failed:
            self.book.keep(Path(path), uri)
        return uri

    def _stream(self, process: subprocess.Popen[bytes]) -> int:
        """Write what the containers say into the job's log, and end them at their time limit."""
        work = self.book.work
        timer = Timer(work.job.timeout_s, self._time_is_up)
        timer.start()
        try:
            assert process.stdout is not None
            interrupts.check()
            with work.log.open("wb", buffering=0) as log:
                for line in process.stdout:
                    log.write(line)
            code = process.wait()
        finally:
            timer.cancel()
        containers = ended(owned())
        work.exit_codes = [each.exit_code for each in containers]
        work.seconds = max((each.seconds for each in containers), default=0.0)
        if work.failed:
            raise RuntimeError(f"docker compose ended with exit code {code}")
        return code

    def _time_is_up(self) -> None:
        self.book.work.timed_out = True
        stop_containers(owned(), _GRACE_S)


class _Client(LocalSagemakerClient):
    """The SDK's stand-in for the service: it starts a job's containers and waits for them.

    The SDK wraps what starts a job in its telemetry, which returns from a `finally` and so swallows an
    interrupt from the keyboard: what is inside the wrapper is called.
    """

    def create_processing_job(self, ProcessingJobName: str, **arguments: Any) -> None:  # noqa: N803  # the SDK's name
        self._begin("Processing", ProcessingJobName, arguments)
        inputs = [
            {**entry, "S3Input": {**entry["S3Input"], "S3Uri": self._local(entry["S3Input"]["S3Uri"])}}
            for entry in arguments.get("ProcessingInputs", [])
        ]
        start = super().create_processing_job.__wrapped__
        start(self, ProcessingJobName, **{**arguments, "ProcessingInputs": inputs})

    def create_training_job(self, TrainingJobName: str, **arguments: Any) -> None:  # noqa: N803  # the SDK's name
        self._begin("Training", TrainingJobName, arguments)
        channels = [
            {**entry, "DataSource": {"S3DataSource": {**source, "S3Uri": self._local(source["S3Uri"])}}}
            for entry in arguments["InputDataConfig"]
            for source in [entry["DataSource"]["S3DataSource"]]
        ]
        start = super().create_training_job.__wrapped__
        start(self, TrainingJobName, **{**arguments, "InputDataConfig": channels})

    def _begin(self, kind: str, name: str, arguments: Mapping[str, Any]) -> None:
        session = self.sagemaker_session
        folder = session.book.start_job(kind, arguments, name)
        session.config = {"local": {"local_code": True, "container_root": str(folder)}}

    def _local(self, uri: str) -> str:
        return self.sagemaker_session.book.path(uri).as_uri()


class _Container(sdk_image._SageMakerContainer):
    """The containers of one job, as SageMaker would run them."""

    def _create_docker_host(self, host: str, *arguments: Any) -> dict[str, Any]:
        """Describe one container: the user's own, without a terminal, its inputs read-only."""
        given, work = super()._create_docker_host(host, *arguments), self.sagemaker_session.book.work
        kept = [f"{work.checkpoints}:{ML_ROOT}/checkpoints"] if work.checkpoints else []
        volumes = [*given["volumes"], *kept]
        for volume in volumes:
            # Docker would make a folder that is not there, and it would be root's.
            Path(volume.split(":")[0]).mkdir(parents=True, exist_ok=True)
        inputs = {f"{ML_ROOT}/{source.local}" for source in work.job.sources}
        return given | {
            "volumes": [f"{each}:ro" if each.split(":")[1] in inputs else each for each in volumes],
            "user": f"{os.getuid()}:{os.getgid()}",
            "labels": [owned()],
            "networks": {"jobs": {"aliases": [host]}},
            "stop_grace_period": f"{_GRACE_S}s",
            "stdin_open": False,
            "tty": False,
        }

    def _generate_compose_file(self, *arguments: Any, **options: Any) -> dict[str, Any]:
        """Write the compose file with a network of ours, from which nothing outside is reached."""
        content: dict[str, Any] = super()._generate_compose_file(*arguments, **options)
        content["networks"] = {"jobs": {"external": True, "name": self.sagemaker_session.network}}
        file = Path(self.container_root) / sdk_image.DOCKER_COMPOSE_FILENAME
        write_bytes_atomic(file, yaml.dump(content).encode())
        return content

    def _compose(self, detached: bool = False) -> list[str]:
        file = str(Path(self.container_root) / sdk_image.DOCKER_COMPOSE_FILENAME)
        # Machines that train together need each other to the end; those that share rows do not.
        together = ["--abort-on-container-exit"] if self.sagemaker_session.book.work.job.training else []
        return [*self.compose_cmd_prefix, "-f", file, "up", "--no-color", "--no-log-prefix", *together]

    def retrieve_artifacts(self, compose_data: dict[str, Any], *arguments: Any) -> Any:
        """Pack the model; the SDK knows no read-only volumes, and packs after a failure too."""
        if self.sagemaker_session.book.work.failed:
            return ""
        services = {
            name: {**service, "volumes": [v.removesuffix(":ro") for v in service["volumes"]]}
            for name, service in compose_data["services"].items()
        }
        return super().retrieve_artifacts({**compose_data, "services": services}, *arguments)

    def _cleanup(self, dirs_to_delete: Any = None) -> None:
        """Take up what the job said, then remove its containers and folders."""
        work = self.sagemaker_session.book.work
        name = "failure" if work.job.training else "message"
        for file in sorted(Path(self.container_root).glob(f"*/output/{name}")):
            work.said = work.said or file.read_text(encoding="utf-8", errors="replace")
        remove_containers(owned())
        shutil.rmtree(self.container_root, ignore_errors=True)


class _Execution(_LocalPipelineExecution):
    """The SDK's record of an execution, for pipelines that register models and record lineage too."""

    def _initialize_step_execution(self, steps: Any) -> None:
        known = [step for step in steps if getattr(step, "step_type", None) not in _OURS]
        for step in steps:
            if step not in known:
                entry = _LocalPipelineExecutionStep(step.name, step.step_type, step.description)
                self.step_execution[step.name] = entry
        super()._initialize_step_execution(known)


class _Steps(LocalPipelineExecutor):
    """The SDK's executor: it decides which step comes next, and resolves what the steps refer to."""

    def __init__(self, execution: _Execution, session: LocalPipelines) -> None:
        super().__init__(execution, session)
        self._step_executor_factory = _Factory(self)

    def _execute_step(self, step: Any) -> None:
        book = self.sagemaker_session.book
        book.begin(step.name, step.step_type.value)
        try:
            super()._execute_step(step)
        except StepExecutionException as error:
            book.failed(error.message)
            raise
        book.done(self.execution.step_execution[step.name].properties)


class _Factory(_StepExecutorFactory):
    def get(self, step: Any) -> Any:
        if step.step_type in _OURS:
            return _OURS[step.step_type](self.pipeline_executor, step)
        return super().get(step)


@dataclass
class _Registering:
    """Registers a candidate in the local registry."""

    executor: _Steps
    step: Any

    def execute(self) -> dict[str, Any]:
        arguments = self.executor.evaluate_step_arguments(self.step)
        package = self.executor.sagemaker_session.book.register(self.step.name, arguments)
        return {"ModelPackageArn": package}


@dataclass
class _Tracing:
    """Writes a lineage into the run's folder."""

    executor: _Steps
    step: Any

    def execute(self) -> dict[str, Any]:
        arguments = self.executor.evaluate_step_arguments(self.step)
        return self.executor.sagemaker_session.book.trace(self.step.name, arguments)


_OURS = {StepTypeEnum.REGISTER_MODEL: _Registering, StepTypeEnum.LINEAGE: _Tracing}
