"""What the job steps that were drawn read and write, by address."""

from __future__ import annotations

import json

from pipelines.definition.sdk.imports import Step, TrainingStep
from pipelines.definition.sdk.jobs import Variable


def inputs_of(step: Step) -> dict[str, Variable]:
    """Return the address of each input of a job step by its name."""
    arguments = step.arguments
    if isinstance(step, TrainingStep):
        channels = arguments["InputDataConfig"]
        return {each["ChannelName"]: each["DataSource"]["S3DataSource"]["S3Uri"] for each in channels}
    return {each["InputName"]: each["S3Input"]["S3Uri"] for each in arguments["ProcessingInputs"]}


def outputs_of(step: Step) -> dict[str, Variable]:
    """Return the address of each output of a job step by its name; they wait for the step."""
    if isinstance(step, TrainingStep):
        return {"model": step.properties.ModelArtifacts.S3ModelArtifacts}
    names = [each["OutputName"] for each in step.arguments["ProcessingOutputConfig"]["Outputs"]]
    made = step.properties.ProcessingOutputConfig.Outputs
    return {name: made[name].S3Output.S3Uri for name in names}


def text_of(uri: Variable) -> str:
    """Return an address as text: equal if and only if the addresses are."""
    return uri if isinstance(uri, str) else json.dumps(uri.expr, sort_keys=True)
