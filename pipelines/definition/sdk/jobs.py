"""A job as the step that starts it, and the rules by which steps are tried again and reused.

Every job runs the project's own image by digest, with the code inside it: source shipped through the
SDK carries a timestamp, which would defeat step caching.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from boomerang.contract import ML_ROOT
from pipelines.campaign.sections import JobsConfig
from pipelines.campaign.site import Site
from pipelines.definition.machines import has_own_disk
from pipelines.definition.sdk.imports import (
    CacheConfig,
    CheckpointConfig,
    Compute,
    InputData,
    ModelTrainer,
    NetworkConfig,
    Networking,
    OutputDataConfig,
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
    ProcessingStep,
    Processor,
    PropertyFile,
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
    StoppingCondition,
    TrainingStep,
)

# A number or text that is known only while the pipeline runs.
Variable = Any

# What a training leaves.
MODEL = "model"

CACHED = CacheConfig(enable_caching=True, expire_after="P30D")
THROTTLED = StepRetryPolicy(
    exception_types=[StepExceptionTypeEnum.SERVICE_FAULT, StepExceptionTypeEnum.THROTTLING],
    interval_seconds=10,
    max_attempts=5,
)
NO_MACHINE = SageMakerJobStepRetryPolicy(
    exception_types=[SageMakerJobExceptionTypeEnum.RESOURCE_LIMIT],
    failure_reason_types=[
        SageMakerJobExceptionTypeEnum.INTERNAL_ERROR,
        SageMakerJobExceptionTypeEnum.CAPACITY_ERROR,
    ],
    interval_seconds=60,
    max_attempts=5,
)


@dataclass(frozen=True)
class Processing:
    """A processing job.

    Attributes
    ----------
    name : str
        The step's.
    command : sequence of str
        What runs in the container.
    role : str
        ARN of the role it runs with.
    machine : Variable
        The instance type.
    inputs, outputs : mapping of name to address
        An input whose address is None is left out.
    arguments : sequence
        Of the command, texts or variables.
    environment : mapping
    files : sequence of PropertyFile
        What the pipeline itself reads of its outputs.
    count : int
        Machines that share the work.
    isolated : bool
        Without any network.
    cached : bool
        Whether an earlier run's outputs may be taken.
    """

    name: str
    command: Sequence[str]
    role: str
    machine: Variable
    inputs: Mapping[str, Variable]
    outputs: Mapping[str, Variable]
    arguments: Sequence[Variable] = ()
    environment: Mapping[str, Variable] = field(default_factory=dict)
    files: Sequence[PropertyFile] = ()
    count: int = 1
    isolated: bool = True
    cached: bool = True

    def made(self, properties: Variable) -> dict[str, Variable]:
        """Return the address of each output in the properties of the step, for which they wait."""
        found = properties.ProcessingOutputConfig.Outputs
        return {name: found[name].S3Output.S3Uri for name in self.outputs}


@dataclass(frozen=True)
class Training:
    """A training job.

    Attributes
    ----------
    name : str
        The step's.
    command : sequence of str
        What runs in the container; nothing is the image's `train`.
    role : str
        ARN of the role it runs with.
    machine : Variable
        The instance type.
    inputs : mapping of name to address
        Its channels.
    output : Variable
        Where the folder with its `model.tar.gz` goes.
    checkpoints : Variable
        Where its checkpoints lie.
    hyperparameters, environment : mapping
    """

    name: str
    command: Sequence[str]
    role: str
    machine: Variable
    inputs: Mapping[str, Variable]
    output: Variable
    checkpoints: Variable
    hyperparameters: Mapping[str, Variable]
    environment: Mapping[str, Variable]

    def made(self, properties: Variable) -> dict[str, Variable]:
        """Return the address of the model in the properties of the step, for which it waits."""
        return {MODEL: properties.ModelArtifacts.S3ModelArtifacts}


Job = Processing | Training


def job_step(job: Job, jobs: JobsConfig, site: Site, session: Any) -> ProcessingStep | TrainingStep:
    """Return the step that starts a job."""
    if isinstance(job, Training):
        return training_step(job, jobs, site, session)
    return processing_step(job, jobs, site, session)


def training_step(job: Training, jobs: JobsConfig, site: Site, session: Any) -> TrainingStep:
    """Return the step that starts a training job."""
    trainer = ModelTrainer(
        sagemaker_session=session,
        role=job.role,
        training_image=site.image,
        compute=_compute(job.machine, jobs, site),
        stopping_condition=_stopping(jobs),
        networking=Networking(
            enable_network_isolation=True,
            enable_inter_container_traffic_encryption=jobs.training_count > 1,
            subnets=list(site.subnets) or None,
            security_group_ids=list(site.security_groups) or None,
        ),
        output_data_config=OutputDataConfig(s3_output_path=job.output, kms_key_id=site.kms_key),
        checkpoint_config=CheckpointConfig(s3_uri=job.checkpoints),
        hyperparameters=dict(job.hyperparameters),
        environment=dict(job.environment),
        base_job_name=job.name,
    )
    channels = [InputData(channel_name=key, data_source=uri) for key, uri in job.inputs.items()]
    return EnteredTraining(
        list(job.command),
        name=job.name,
        step_args=trainer.train(input_data_config=channels),
        cache_config=CACHED,
        retry_policies=[THROTTLED, NO_MACHINE],
    )


def _compute(machine: Variable, jobs: JobsConfig, site: Site) -> Compute:
    return Compute(
        instance_type=machine,
        instance_count=jobs.training_count,
        volume_size_in_gb=jobs.volume_gb,
        volume_kms_key_id=None if has_own_disk(jobs.training_instance) else site.kms_key,
        enable_managed_spot_training=jobs.spot,
        keep_alive_period_in_seconds=jobs.warm_s or None,
    )


def _stopping(jobs: JobsConfig) -> StoppingCondition:
    longest = jobs.timeout_s + jobs.spot_wait_s if jobs.spot else None
    return StoppingCondition(max_runtime_in_seconds=jobs.timeout_s, max_wait_time_in_seconds=longest)


def processing_step(job: Processing, jobs: JobsConfig, site: Site, session: Any) -> ProcessingStep:
    """Return the step that starts a processing job."""
    processor = Processor(
        role=job.role,
        image_uri=site.image,
        entrypoint=list(job.command),
        env=dict(job.environment) or None,
        instance_count=job.count,
        instance_type=job.machine,
        volume_size_in_gb=jobs.volume_gb,
        volume_kms_key=None if has_own_disk(jobs.processing_instance) else site.kms_key,
        output_kms_key=site.kms_key,
        max_runtime_in_seconds=jobs.timeout_s,
        network_config=NetworkConfig(
            enable_network_isolation=job.isolated,
            encrypt_inter_container_traffic=job.count > 1,
            subnets=list(site.subnets) or None,
            security_group_ids=list(site.security_groups) or None,
        ),
        sagemaker_session=session,
    )
    arguments = processor.run(
        inputs=[_input(name, address) for name, address in job.inputs.items() if address is not None],
        outputs=[_output(name, address) for name, address in job.outputs.items()],
        arguments=list(job.arguments) or None,
    )
    return ProcessingStep(
        name=job.name,
        step_args=arguments,
        cache_config=CACHED if job.cached else None,
        property_files=list(job.files),
        retry_policies=[THROTTLED, NO_MACHINE],
    )


class EnteredTraining(TrainingStep):  # type: ignore[misc]  # the SDK ships no types
    """A training step whose container is entered by a command of ours.

    The SDK's trainer knows a command only for source code that it ships itself; without one it is the image's
    `train`.
    """

    def __init__(self, command: Sequence[str], **options: Any) -> None:
        super().__init__(**options)
        self._command = list(command)

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments of CreateTrainingJob."""
        request: dict[str, Any] = super().arguments
        if self._command:
            entered = {**request["AlgorithmSpecification"], "ContainerEntrypoint": self._command}
            request["AlgorithmSpecification"] = entered
        return request


def _input(name: str, address: Variable) -> ProcessingInput:
    source = ProcessingS3Input(
        s3_uri=address,
        local_path=f"{ML_ROOT}/processing/input/{name}",
        s3_data_type="S3Prefix",
        s3_input_mode="File",
    )
    return ProcessingInput(input_name=name, s3_input=source)


def _output(name: str, address: Variable) -> ProcessingOutput:
    target = ProcessingS3Output(
        s3_uri=address, local_path=f"{ML_ROOT}/processing/output/{name}", s3_upload_mode="EndOfJob"
    )
    return ProcessingOutput(output_name=name, s3_output=target)
