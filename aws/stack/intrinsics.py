"""Reads `template.yaml` and resolves what CloudFormation would: conditions, parameters, references.

An attribute of a resource that does not exist yet stands for itself: `${DataKey.Arn}`. A caller that
knows better, from a stack or a test, gives the value. Only the functions that the template uses are
known; another one is refused by its name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from boomerang.errors import BadInput, UsageError, nearest

TEMPLATE = Path(__file__).with_name("template.yaml")
# CloudFormation takes a longer template only from a bucket.
MAX_TEMPLATE_BYTES = 51_200

_PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackName": "boomerang",
}
# The property that `Ref` of a resource gives, where its name is set by the template.
_NAMES = {
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::CompositeAlarm": "AlarmName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::SageMaker::Pipeline": "PipelineName",
}
_VARIABLE = re.compile(r"\$\{([A-Za-z0-9:.]+)\}")
_ABSENT = object()


def load_template(path: Path = TEMPLATE) -> dict[str, Any]:
    """Return a template with its functions in their long form: `!Ref X` is `{"Ref": "X"}`.

    Raises
    ------
    BadInput
        If it is no YAML mapping with resources.
    """
    import yaml  # type: ignore[import-untyped]  # PyYAML ships none

    fast = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a sixth of the time, where libyaml is there
    loader: Any = type("Loader", (fast,), {})
    loader.add_multi_constructor("!", _function)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), loader)  # a SafeLoader
    except yaml.YAMLError as error:
        raise BadInput(f"{path}", f"it is no YAML: {error}", "correct it there") from error
    if not isinstance(content, dict) or "Resources" not in content:
        raise BadInput(f"{path}", "it has no Resources", "give a CloudFormation template")
    return content


def _function(loader: Any, tag: str, node: Any) -> dict[str, Any]:
    """Return a tagged value in the long form."""
    value: Any
    match node.id:
        case "scalar":
            value = loader.construct_scalar(node)
        case "sequence":
            value = loader.construct_sequence(node, deep=True)
        case _:
            value = loader.construct_mapping(node, deep=True)
    if tag == "GetAtt":
        value = str(value).split(".", 1)
    return {tag if tag == "Ref" else f"Fn::{tag}": value}


@dataclass(frozen=True)
class Stack:
    """A template with the values of its parameters: what CloudFormation would make of it.

    Attributes
    ----------
    template : mapping
        From `load_template`.
    parameters : mapping of str to str
        Those that differ from the template's defaults.
    known : mapping of str to str
        Values of pseudo parameters, of resources (`DataKey`, for `Ref`) and of their attributes
        (`DataKey.Arn`), where they are known.

    Raises
    ------
    UsageError
        If a parameter is not the template's.
    """

    template: Mapping[str, Any]
    parameters: Mapping[str, str]
    known: Mapping[str, str]

    def __post_init__(self) -> None:
        for name in self.parameters:
            if name not in self.template["Parameters"]:
                known = self.template["Parameters"]
                raise UsageError(f"parameter '{name}'", "the template has none", nearest(name, known))

    @cached_property
    def resources(self) -> dict[str, Any]:
        """The resources that are made, by logical id, resolved."""
        return {name: self.resolve(entry) for name, entry in self._declared.items() if self._is_made(entry)}

    @property
    def _declared(self) -> Mapping[str, Any]:
        declared: Mapping[str, Any] = self.template["Resources"]
        return declared

    def _is_made(self, entry: Mapping[str, Any]) -> bool:
        return "Condition" not in entry or self.holds(entry["Condition"])

    def holds(self, condition: Any) -> bool:
        """Whether a condition holds: its name, or a function over others."""
        if isinstance(condition, str):
            return self.holds(self.template["Conditions"][condition])
        ((function, value),) = condition.items()
        match function:
            case "Fn::Equals":
                left, right = (self.resolve(each) for each in value)
                return str(left) == str(right)
            case "Fn::Not":
                return not self.holds(value[0])
        raise _unknown(function)

    def resolve(self, value: Any) -> Any:
        """Return a value of the template with every function in it resolved; what is absent is left out."""
        found = self._resolve(value)
        return None if found is _ABSENT else found

    def _resolve(self, value: Any) -> Any:
        if isinstance(value, list):
            return [each for each in map(self._resolve, value) if each is not _ABSENT]
        if not isinstance(value, dict):
            return value
        name = next(iter(value), "")
        if len(value) == 1 and (name == "Ref" or name.startswith("Fn::")):
            return self._call(name, value[name])
        resolved = {key: self._resolve(each) for key, each in value.items()}
        return {key: each for key, each in resolved.items() if each is not _ABSENT}

    def _call(self, function: str, value: Any) -> Any:
        match function:
            case "Ref":
                return self._ref(value)
            case "Fn::GetAtt":
                return self._lookup(".".join(value))
            case "Fn::Sub":
                return _VARIABLE.sub(lambda found: str(self._lookup(found[1])), value)
            case "Fn::FindInMap":
                name, first, second = (str(self._resolve(each)) for each in value)
                return self.template["Mappings"][name][first][second]
            case "Fn::If":
                condition, then, otherwise = value
                return self._resolve(then if self.holds(condition) else otherwise)
        raise _unknown(function)

    def _ref(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _ABSENT
        parameter = self.template["Parameters"].get(name)
        if parameter is None:
            return self._lookup(name)
        if name not in self.parameters and "Default" not in parameter:
            raise BadInput(f"parameter '{name}'", "it has no default, and no value is given", "give one")
        value = self.parameters.get(name, parameter.get("Default"))
        return value.split(",") if parameter["Type"] == "CommaDelimitedList" else value

    def _lookup(self, name: str) -> Any:
        """Return the value of a parameter, a pseudo parameter, a resource or an attribute of one."""
        if name in self.known:
            return self.known[name]
        if name in _PSEUDO:
            return _PSEUDO[name]
        if name in self.template["Parameters"]:
            return self._ref(name)
        resource, _, attribute = name.partition(".")
        if resource not in self._declared:
            raise BadInput(f"template: '{name}'", "there is no such resource", nearest(name, self._declared))
        return f"${{{name}}}" if attribute else self._name(resource)

    def _name(self, resource: str) -> Any:
        entry = self._declared[resource]
        named = _NAMES.get(entry["Type"])
        if named is None:
            return f"${{{resource}}}"
        return self._resolve(entry["Properties"][named])


def stack(
    parameters: Mapping[str, str] | None = None,
    known: Mapping[str, str] | None = None,
    template: Mapping[str, Any] | None = None,
) -> Stack:
    """Return the project's template with these values; see `Stack`."""
    return Stack(template or load_template(), parameters or {}, known or {})


def _unknown(function: str) -> BadInput:
    return BadInput(f"template: {function}", "it is not known here", "add it to aws/stack/intrinsics.py")
