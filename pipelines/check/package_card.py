"""The card of a model package, held against the schema that SageMaker publishes for such cards.

Source: developer guide, "View the details of a model version", "Model package model card schema". The service
checks it when the package is registered, which is after everything has run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from boomerang.findings import Problem
from pipelines.check.arguments import at
from pipelines.check.problems import below, kind_of
from pipelines.check.view import Pipeline, is_expression
from pipelines.language.graph import Node

CONTENT = "ModelCard.ModelCardContent"

_Short = Annotated[str, Field(max_length=63)]
_Name = Annotated[str, Field(min_length=1, max_length=63)]
_Long = Annotated[str, Field(min_length=1, max_length=255)]
_Note = Annotated[str, Field(max_length=1024)]
_Prose = Annotated[str, Field(max_length=2048)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Overview(_Part):
    model_creator: _Note | None = None
    model_artifact: list[_Note] = Field(default=[], max_length=15)


class _Uses(_Part):
    purpose_of_model: _Prose | None = None
    intended_uses: _Prose | None = None
    factors_affecting_model_efficiency: _Prose | None = None
    risk_rating: Literal["High", "Medium", "Low", "Unknown"] | None = None
    explanations_for_risk_rating: _Prose | None = None


class _Business(_Part):
    business_problem: _Prose | None = None
    business_stakeholders: _Prose | None = None
    line_of_business: _Prose | None = None


class _Number(_Part):
    name: _Long
    notes: _Note | None = None
    value: float


class _Setting(_Part):
    name: _Long
    value: _Long


class _Environment(_Part):
    container_image: list[_Note] = Field(default=[], max_length=15)


class _Job(_Part):
    training_arn: _Note | None = None
    training_datasets: list[_Note] = Field(default=[], max_length=15)
    training_environment: _Environment | None = None
    training_metrics: list[_Number] = Field(default=[], max_length=50)
    user_provided_training_metrics: list[_Number] = Field(default=[], max_length=50)
    hyper_parameters: list[_Setting] = Field(default=[], max_length=100)
    user_provided_hyper_parameters: list[_Setting] = Field(default=[], max_length=100)


class _Training(_Part):
    objective_function: Any = None  # the schema leaves it open
    training_observations: _Note | None = None
    training_job_details: _Job | None = None


class _Metric(_Part):
    """A number, a text or a boolean; charts and matrices are not used here."""

    name: _Long
    notes: _Note | None = None
    type: Literal["number", "string", "boolean"]
    value: float | bool | _Short
    x_axis_name: _Short | None = None
    y_axis_name: _Short | None = None

    @model_validator(mode="after")
    def _agrees(self) -> _Metric:
        found = kind_of(self.value)
        if found != {"string": "text"}.get(self.type, self.type):
            raise ValueError(f"a {self.type} is said to be there, and a {found} is")
        return self


class _Group(_Part):
    name: _Name
    metric_data: list[_Metric]


class _Evaluation(_Part):
    name: _Name
    evaluation_observation: Annotated[str, Field(max_length=2096)] | None = None
    evaluation_job_arn: Annotated[str, Field(max_length=256)] | None = None
    datasets: list[_Note] = Field(default=[], max_length=10)
    metadata: dict[str, _Note] = {}
    metric_groups: list[_Group] = []


class _More(_Part):
    ethical_considerations: _Prose | None = None
    caveats_and_recommendations: _Prose | None = None
    custom_details: dict[str, _Note] = {}


class Card(_Part):
    """The whole of a card."""

    model_overview: _Overview | None = None
    intended_uses: _Uses | None = None
    business_details: _Business | None = None
    training_details: _Training | None = None
    evaluation_details: list[_Evaluation] = []
    additional_information: _More | None = None


def check_card(pipeline: Pipeline, node: Node) -> Iterator[Problem]:
    """Yield what keeps the card of a registration from being one, whatever the run will put into it."""
    content = at(node, CONTENT)
    text = pipeline.value(content) if is_expression(content) else content
    if not isinstance(text, str) or not text:
        return
    try:
        Card.model_validate(json.loads(text))
    except ValidationError as error:
        for each in error.errors():
            yield Problem(node.name, _place(each["loc"]), f"{each['msg'][0].lower()}{each['msg'][1:]}")
    except ValueError as error:
        yield Problem(node.name, CONTENT, f"is no JSON: {error}")


def _place(parts: tuple[int | str, ...]) -> str:
    field = CONTENT
    for part in parts:
        field = f"{field}[{part}]" if isinstance(part, int) else below(field, part)
    return field
