"""The definition of the pipeline, built with the SageMaker Python SDK v3: its only importer.

    Preprocess ─▶ TrainBaseline ─▶ Poison ─▶ TrainVictim ─▶ Screen ─▶ Harden ─▶ Evaluate ─▶ Gate
    Gate ─▶ Register (pending approval)  |  RegisterRejected ─▶ Fail, with the reasons

With `jobs.processing_count` above 1, PreprocessParts, ScreenParts and EvaluateParts come before the
steps they are named after: as many machines share the rows, and the step itself merges what they made.

Every job runs the project's own image by digest, with the code inside it: source shipped through the
SDK carries a timestamp, which would defeat step caching. An input's address comes from the output of
the step that made it, or from the content of what was staged; no address of a run is written twice.
SageMaker reuses a training step only where its checkpoints lie at the same address too, so that one
is made from the content of all that the training depends on.

Importing this module takes seconds; `pipelines.build` does so only where it must.
"""

from __future__ import annotations

# The SDK ships no type information.
# mypy: disable-error-code="import-untyped"
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import boto3

from boomerang.config import Config, GateConfig
from boomerang.contract import ML_ROOT
from boomerang.digest import canonical_json, digest_json
from boomerang.metrics import GATE
from pipelines.machines import allowed_instances, has_own_disk
from pipelines.offline import offline
from pipelines.settings import BASELINE, EVALUATE, HARDEN, POISON, PREPROCESS, SCREEN, VICTIM
from pipelines.site import Site
from pipelines.staging import Inputs

with offline():
    from sagemaker.core.model_metrics import MetricsSource, ModelMetrics
    from sagemaker.core.network import NetworkConfig
    from sagemaker.core.processing import Processor
    from sagemaker.core.shapes import (
        ProcessingInput,
        ProcessingOutput,
        ProcessingS3Input,
        ProcessingS3Output,
    )
    from sagemaker.core.training.configs import (
        CheckpointConfig,
        Compute,
        InputData,
        Networking,
        OutputDataConfig,
        StoppingCondition,
    )
    from sagemaker.core.workflow.conditions import ConditionLessThanOrEqualTo
    from sagemaker.core.workflow.execution_variables import ExecutionVariables
    from sagemaker.core.workflow.functions import Join, JsonGet
    from sagemaker.core.workflow.parameters import (
        Parameter,
        ParameterFloat,
        ParameterInteger,
        ParameterString,
    )
    from sagemaker.core.workflow.pipeline_context import PipelineSession
    from sagemaker.core.workflow.properties import PropertyFile
    from sagemaker.mlops.workflow.condition_step import ConditionStep
    from sagemaker.mlops.workflow.fail_step import FailStep
    from sagemaker.mlops.workflow.model_step import ModelStep
    from sagemaker.mlops.workflow.pipeline import Pipeline
    from sagemaker.mlops.workflow.retry import (
        SageMakerJobExceptionTypeEnum,
        SageMakerJobStepRetryPolicy,
        StepExceptionTypeEnum,
        StepRetryPolicy,
    )
    from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep, Step, TrainingStep
    from sagemaker.serve.model_builder import ModelBuilder
    from sagemaker.train import ModelTrainer

# A number or text that is known only while the pipeline runs.
Variable = Any

_CACHE = CacheConfig(enable_caching=True, expire_after="P30D")
_THROTTLED = StepRetryPolicy(
    exception_types=[StepExceptionTypeEnum.SERVICE_FAULT, StepExceptionTypeEnum.THROTTLING],
    interval_seconds=10,
    max_attempts=5,
)
_NO_MACHINE = SageMakerJobStepRetryPolicy(
    exception_types=[SageMakerJobExceptionTypeEnum.RESOURCE_LIMIT],
    failure_reason_types=[
        SageMakerJobExceptionTypeEnum.INTERNAL_ERROR,
        SageMakerJobExceptionTypeEnum.CAPACITY_ERROR,
    ],
    interval_seconds=60,
    max_attempts=5,
)
_ORDER = (PREPROCESS, BASELINE, POISON, VICTIM, SCREEN, HARDEN)
_METRICS = PropertyFile(name="metrics", output_name="evaluation", path="metrics.json")


def define(config: Config, site: Site, inputs: Inputs) -> dict[str, Any]:
    """Return the pipeline's definition as the service takes it, parsed.

    Equal arguments give equal definitions, in this process or another.
    """
    # The canonical order of keys is that of a kept definition, so both are the same text.
    with drawing():
        pipeline = draw(config, site, inputs, offline_session(site))
        definition: dict[str, Any] = json.loads(canonical_json(json.loads(pipeline.definition())))
    return definition


def draw(config: Config, site: Site, inputs: Inputs, session: Any) -> Pipeline:
    """Return the SDK's pipeline, its steps bound to a session of the SDK's."""
    draft = _Draft(config, site, inputs, session)
    steps = _steps(draft)
    parameters = [*draft.limits.values(), *draft.instances.values()]
    return Pipeline(name=config.name, parameters=parameters, steps=steps, sagemaker_session=session)


def offline_session(site: Site) -> PipelineSession:
    """Return a session that calls nothing at AWS; keys that open nothing make sure of it."""
    return PipelineSession(boto_session=_no_account(site), default_bucket=site.bucket)


def _no_account(site: Site) -> boto3.Session:
    return boto3.Session(region_name=site.region, aws_access_key_id="none", aws_secret_access_key="none")


@contextmanager
def drawing() -> Iterator[None]:
    """Use the SDK offline and quietly while the block draws."""
    # The SDK holds its defaults against their schema at each look: 24 s a definition, always the same.
    with offline(), patch("jsonschema.validate"):
        yield


def gpu_base(region: str) -> str:
    """Return the address of AWS' TensorFlow training container, which the GPU image is built on."""
    with drawing():
        from sagemaker.core import image_uris

        return str(
            image_uris.retrieve(
                "tensorflow",
                region,
                version="2.21.0",
                py_version="py312",
                instance_type="ml.g4dn.xlarge",
                image_scope="training",
            )
        )


def _steps(draft: _Draft) -> list[Step]:
    """Draw the steps in the order in which they run."""
    preprocess = _preprocess(draft)
    baseline = draft.training(BASELINE, {name: preprocess[name] for name in ("train", "validation")})
    poison = _poison(draft, preprocess)
    victim = _victim(draft, preprocess, baseline, poison)
    suspect = {"train": poison["train"], "trusted": preprocess["validation"], "model": victim}
    screen = draft.shared(SCREEN, suspect, ["screen"])
    models = {"baseline": baseline, "victim": victim}
    if draft.config.harden.method == "retrain":
        channels = {"train": poison["train"], "validation": preprocess["validation"]}
        models["hardened"] = draft.training(HARDEN, {**channels, "screen": screen["screen"]})
    evaluation = _evaluate(draft, preprocess, poison, screen, models)
    return [*draft.steps, _gate(draft, evaluation["evaluation"], list(models.items())[-1])]


def _preprocess(draft: _Draft) -> dict[str, Variable]:
    inputs = {"pictures": draft.inputs.pictures, "source": draft.inputs.source}
    photos = ["photos"] if draft.inputs.pictures else []
    return draft.shared(PREPROCESS, inputs, ["train", "validation", "heldout", *photos])


def _poison(draft: _Draft, preprocess: Mapping[str, Variable]) -> dict[str, Variable]:
    inputs = {
        "train": preprocess["train"],
        "photos": preprocess.get("photos"),
        "triggers": draft.inputs.triggers,
    }
    return draft.processing(POISON, inputs, ["train", "secret"])


def _victim(
    draft: _Draft, preprocess: Mapping[str, Variable], baseline: Variable, poison: Mapping[str, Variable]
) -> Variable:
    channels = {"train": poison["train"], "validation": preprocess["validation"]}
    if draft.config.victim.schedule == "finetune":
        channels["baseline"] = baseline
    return draft.training(VICTIM, channels)


def _evaluate(
    draft: _Draft,
    preprocess: Mapping[str, Variable],
    poison: Mapping[str, Variable],
    screen: Mapping[str, Variable],
    models: Mapping[str, Variable],
) -> dict[str, Variable]:
    """Draw the one step that may see the truth."""
    inputs = {
        **{name: preprocess.get(name) for name in ("heldout", "photos")},
        **{name: poison[name] for name in ("train", "secret")},
        "screen": screen["screen"],
        **models,
    }
    arguments = []
    for key, limit in draft.limits.items():
        # A bare number passes the SDK and is refused by the service, whose arguments are texts.
        arguments += [f"--{key.replace('_', '-')}", limit.to_string()]
    return draft.shared(EVALUATE, inputs, ["evaluation"], arguments, [_METRICS])


def _gate(draft: _Draft, evaluation: Variable, candidate: tuple[str, Variable]) -> ConditionStep:
    """Draw the gate: the candidate is registered either way, and the pipeline fails if it is rejected."""
    rejected = draft.register("RegisterRejected", "Rejected", evaluation, candidate)
    fail = FailStep(
        name="Fail",
        error_message=Join(on=" ", values=["The gate rejected the candidate:", _metric("reasons")]),
        depends_on=[rejected],
    )
    return ConditionStep(
        name="Gate",
        conditions=[
            ConditionLessThanOrEqualTo(left=_metric(f"gate.{key}"), right=draft.limits[limit])
            for key, limit, _ in GATE
        ],
        if_steps=[draft.register("Register", "PendingManualApproval", evaluation, candidate)],
        else_steps=[rejected, fail],
    )


def _metric(path: str) -> JsonGet:
    return JsonGet(step_name=EVALUATE, property_file=_METRICS, json_path=path)


def _limit(key: str, value: float) -> Parameter:
    """Return the pipeline's parameter for a limit: `max_asr_upper` is `MaxAsrUpper`."""
    kind = ParameterInteger if GateConfig.model_fields[key].annotation is int else ParameterFloat
    return kind(name=key.title().replace("_", ""), default_value=value)


def _instance(name: str, default: str) -> Parameter:
    """Return the parameter that chooses the machines: only such as the definition's key fits."""
    return ParameterString(name=name, default_value=default, enum_values=allowed_instances(default))


class _Draft:
    """What all steps of one definition share, and the job steps drawn so far."""

    def __init__(self, config: Config, site: Site, inputs: Inputs, session: Any) -> None:
        self.config, self.site, self.inputs, self.session = config, site, inputs, session
        self.steps: list[Step] = []
        self.limits = {key: _limit(key, value) for key, value in config.gate.model_dump().items()}
        jobs = config.jobs
        self.instances = {
            "processing": _instance("ProcessingInstance", jobs.processing_instance),
            "training": _instance("TrainingInstance", jobs.training_instance),
        }

    def output(self, step: str, name: str) -> Join:
        """Return the address of an output in the run's own folder."""
        runs = f"{self.site.root}/{self.config.name}/runs"
        return Join(on="/", values=[runs, ExecutionVariables.PIPELINE_EXECUTION_ID, step, name])

    def shared(
        self,
        name: str,
        inputs: Mapping[str, Variable],
        outputs: Sequence[str],
        arguments: Sequence[Variable] = (),
        files: Sequence[PropertyFile] = (),
    ) -> dict[str, Variable]:
        """Add a step that several machines may share, and return the addresses of its outputs."""
        count = self.config.jobs.processing_count
        if count > 1:
            parts = self.processing(name, inputs, ["parts"], count=count)
            inputs = {**inputs, **parts}
        return self.processing(name, inputs, outputs, arguments, files)

    def processing(
        self,
        name: str,
        inputs: Mapping[str, Variable],
        outputs: Sequence[str],
        arguments: Sequence[Variable] = (),
        files: Sequence[PropertyFile] = (),
        *,
        count: int = 1,
    ) -> dict[str, Variable]:
        """Add a processing job and return the addresses of its outputs; an input of None is left out.

        With a count above 1 it is the step's parts, made by so many machines.
        """
        jobs, module, step_name = self.config.jobs, f"processing.{name.lower()}", name
        if count > 1:
            module, step_name = f"{module}_parts", f"{name}Parts"
        own_disk = has_own_disk(jobs.processing_instance)
        processor = Processor(
            role=self.site.role,
            image_uri=self.site.image,
            entrypoint=["python", "-m", module],
            instance_count=count,
            instance_type=self.instances["processing"],
            volume_size_in_gb=jobs.volume_gb,
            volume_kms_key=None if own_disk else self.site.kms_key,
            output_kms_key=self.site.kms_key,
            max_runtime_in_seconds=jobs.timeout_s,
            network_config=NetworkConfig(
                enable_network_isolation=True,
                encrypt_inter_container_traffic=count > 1,
                subnets=list(self.site.subnets) or None,
                security_group_ids=list(self.site.security_groups) or None,
            ),
            sagemaker_session=self.session,
        )
        given = {"config": self.inputs.configs[name], **inputs}
        job = processor.run(
            inputs=[_input(key, address) for key, address in given.items() if address is not None],
            outputs=[_output(key, self.output(step_name, key)) for key in outputs],
            arguments=list(arguments) or None,
        )
        step = ProcessingStep(
            name=step_name,
            step_args=job,
            cache_config=_CACHE,
            property_files=list(files),
            retry_policies=[_THROTTLED, _NO_MACHINE],
        )
        self.steps.append(step)
        made = step.properties.ProcessingOutputConfig.Outputs
        return {key: made[key].S3Output.S3Uri for key in outputs}

    def training(self, name: str, channels: Mapping[str, Variable]) -> Variable:
        """Add a training job and return the address of its `model.tar.gz`."""
        trainer = ModelTrainer(
            sagemaker_session=self.session,
            role=self.site.role,
            training_image=self.site.image,
            compute=self._compute(),
            stopping_condition=self._stopping(),
            networking=Networking(
                enable_network_isolation=True,
                enable_inter_container_traffic_encryption=self.config.jobs.training_count > 1,
                subnets=list(self.site.subnets) or None,
                security_group_ids=list(self.site.security_groups) or None,
            ),
            output_data_config=OutputDataConfig(
                s3_output_path=self.output(name, "model"), kms_key_id=self.site.kms_key
            ),
            checkpoint_config=CheckpointConfig(s3_uri=self._checkpoints(name)),
            hyperparameters=dict(self.inputs.hyperparameters[name]),
            base_job_name=name,
        )
        job = trainer.train(
            input_data_config=[InputData(channel_name=key, data_source=uri) for key, uri in channels.items()]
        )
        step = TrainingStep(
            name=name, step_args=job, cache_config=_CACHE, retry_policies=[_THROTTLED, _NO_MACHINE]
        )
        self.steps.append(step)
        return step.properties.ModelArtifacts.S3ModelArtifacts

    def _compute(self) -> Compute:
        jobs = self.config.jobs
        return Compute(
            instance_type=self.instances["training"],
            instance_count=jobs.training_count,
            volume_size_in_gb=jobs.volume_gb,
            volume_kms_key_id=None if has_own_disk(jobs.training_instance) else self.site.kms_key,
            enable_managed_spot_training=jobs.spot,
            keep_alive_period_in_seconds=jobs.warm_s or None,
        )

    def _stopping(self) -> StoppingCondition:
        jobs = self.config.jobs
        longest = jobs.timeout_s + jobs.spot_wait_s if jobs.spot else None
        return StoppingCondition(max_runtime_in_seconds=jobs.timeout_s, max_wait_time_in_seconds=longest)

    def _checkpoints(self, name: str) -> str:
        """Return where a training keeps its checkpoints: by the content of all that it depends on."""
        before = _ORDER[: _ORDER.index(name) + 1]
        settings: Mapping[str, Any] = {**self.inputs.configs, **self.inputs.hyperparameters}
        given = {step: settings[step] for step in before if step in settings}
        given |= {"pictures": self.inputs.pictures, "source": self.inputs.source}
        given |= {"triggers": self.inputs.triggers} if POISON in before else {}
        return f"{self.site.root}/checkpoints/{digest_json([self.site.image, name, given])}"

    def register(
        self, name: str, status: str, evaluation: Variable, candidate: tuple[str, Variable]
    ) -> ModelStep:
        """Return the step that puts the candidate into the registry with what was measured on it."""
        builder = ModelBuilder(
            sagemaker_session=self.session,
            role_arn=self.site.role,
            image_uri=self.site.image,
            s3_model_data_url=candidate[1],
            dependencies=None,  # else registering looks for code to upload
        )
        statistics = MetricsSource(
            content_type="application/json", s3_uri=Join(on="/", values=[evaluation, "metrics.json"])
        )
        package = builder.register(
            model_package_group_name=self.site.package_group,
            approval_status=status,
            model_metrics=ModelMetrics(model_statistics=statistics),
            customer_metadata_properties=self._metadata(candidate[0]),
        )
        return ModelStep(name=name, step_args=package, retry_policies=[_THROTTLED])

    def _metadata(self, model: str) -> dict[str, Variable]:
        """Return what a package says about itself: texts of at most 256 characters, no braces or commas."""
        numbers = {key.title().replace("_", ""): _text(f"gate.{key}") for key, _, _ in GATE}
        return {
            "Campaign": self.config.name,
            "ConfigDigest": digest_json([self.inputs.configs, self.inputs.hyperparameters]),
            "Model": model,
            "ModelDigest": _metric(f"models.{model}.digest"),
            "CanaryDigest": _metric("canaries.digest"),
            **numbers,
        }


def _text(path: str) -> Join:
    """Return a number of `metrics.json` as a text."""
    return Join(on="", values=[_metric(path)])


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
