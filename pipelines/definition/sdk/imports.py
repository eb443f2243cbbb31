"""What is used of the SageMaker Python SDK v3, imported once, offline and quietly.

Importing this module takes seconds; `pipelines.definition.build` does so only where it must.
"""

from __future__ import annotations

# The SDK ships no type information.
# mypy: disable-error-code="import-untyped"
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import boto3

from pipelines.campaign.site import Site
from pipelines.definition.offline import offline

with offline():
    from sagemaker.core.drift_check_baselines import DriftCheckBaselines
    from sagemaker.core.lineage.action import Action
    from sagemaker.core.lineage.artifact import Artifact
    from sagemaker.core.model_metrics import MetricsSource, ModelMetrics
    from sagemaker.core.network import NetworkConfig
    from sagemaker.core.processing import Processor
    from sagemaker.core.shapes import (
        ModelPackageModelCard,
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
    from sagemaker.mlops.workflow.for_each_step import CurrentItem, ForEachStep
    from sagemaker.mlops.workflow.lineage_step import (
        LineageAssociation,
        LineageEntityReference,
        LineageStep,
    )
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

__all__ = [
    "Action",
    "Artifact",
    "CacheConfig",
    "CheckpointConfig",
    "Compute",
    "ConditionLessThanOrEqualTo",
    "ConditionStep",
    "CurrentItem",
    "DriftCheckBaselines",
    "ExecutionVariables",
    "FailStep",
    "ForEachStep",
    "InputData",
    "Join",
    "JsonGet",
    "LineageAssociation",
    "LineageEntityReference",
    "LineageStep",
    "MetricsSource",
    "ModelBuilder",
    "ModelMetrics",
    "ModelPackageModelCard",
    "ModelStep",
    "ModelTrainer",
    "NetworkConfig",
    "Networking",
    "OutputDataConfig",
    "Parameter",
    "ParameterFloat",
    "ParameterInteger",
    "ParameterString",
    "Pipeline",
    "PipelineSession",
    "ProcessingInput",
    "ProcessingOutput",
    "ProcessingS3Input",
    "ProcessingS3Output",
    "ProcessingStep",
    "Processor",
    "PropertyFile",
    "SageMakerJobExceptionTypeEnum",
    "SageMakerJobStepRetryPolicy",
    "Step",
    "StepExceptionTypeEnum",
    "StepRetryPolicy",
    "StoppingCondition",
    "TrainingStep",
    "drawing",
    "gpu_base",
    "offline_session",
]


_LOCAL_CLIENT = "sagemaker.core.local.local_session.LocalSagemakerClient"


def offline_session(site: Site) -> PipelineSession:
    """Return a session that calls nothing at AWS; keys that open nothing make sure of it."""
    return PipelineSession(boto_session=_no_account(site), default_bucket=site.bucket)


def _no_account(site: Site) -> boto3.Session:
    return boto3.Session(region_name=site.region, aws_access_key_id="none", aws_secret_access_key="none")


def _given_a_session(client: Any, sagemaker_session: Any = None) -> None:
    client.sagemaker_session = sagemaker_session


@contextmanager
def drawing() -> Iterator[None]:
    """Use the SDK offline and quietly while the block draws."""
    # The SDK holds its defaults against their schema at each look: 24 s a definition, always the same. And
    # for each processing step it makes a client of its local mode to look up the name of a method, and with
    # it a session, half of what a definition takes.
    with offline(), patch("jsonschema.validate"), patch(f"{_LOCAL_CLIENT}.__init__", _given_a_session):
        yield


def gpu_base(region: str) -> str:
    """Return the address of AWS' TensorFlow training container, on which a GPU image can be built."""
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
