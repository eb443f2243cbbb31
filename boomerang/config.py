"""How anything that is configured is checked, and how SageMaker's hyperparameters carry it.

What a step is told stands in `boomerang.settings`, a whole campaign entry in `pipelines.campaign.sections`,
and what anything with a `kind`, such as an attack, may be told in its own class (`boomerang.kinds`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from boomerang.errors import BadInput, ConfigError, SeveralMistakes, nearest
from boomerang.safeio import MAX_DEPTH, parse_json

Model = TypeVar("Model", bound=BaseModel)

_MOST_SHOWN = 200
_MOST_SAID = 20


class Strict(BaseModel):
    """A frozen model that refuses unknown keys; the base of everything that is configured.

    A number is taken where a text is asked for: classes are often called 0, 1, 2.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, coerce_numbers_to_str=True)


class Open(BaseModel):
    """A frozen model with further keys, which another class owns and checks."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False, coerce_numbers_to_str=True)


class Spec(Open):
    """An attack, a detector or what else has a kind, as configured; its own class checks the rest."""

    kind: str


def validate(kind: type[Model], data: Any, *, where: str, page: str = "docs/config.md") -> Model:
    """Check plain data against a model; `page` is where its keys are explained.

    Raises
    ------
    ConfigError
        Naming the key, and of several each; for an unknown key also the nearest known one.
    """
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        found = [_mistake(kind, each, where, page) for each in error.errors()[:_MOST_SAID]]
    raise found[0] if len(found) == 1 else SeveralMistakes(found)


def _mistake(kind: type[BaseModel], error: Mapping[str, Any], where: str, page: str) -> ConfigError:
    """Return what pydantic says of one key."""
    location = [str(part) for part in error["loc"]]
    key = ".".join(location)
    if error["type"] == "extra_forbidden":
        do = nearest(location[-1], _known_keys(kind, location[:-1]))
        return ConfigError(f"unknown key '{key}' in {where}", do)
    why, got = error["msg"].removeprefix("Value error, "), error["input"]
    if isinstance(got, str) or not isinstance(got, Mapping | Sequence | BaseModel):
        why += f" (got {_shown(got)})"
    what = f"{where}: '{key}'" if key else where  # settings that do not fit each other have no one key
    return ConfigError(what, why, f"see {page} for what it may be")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..., {len(text):,} characters"


def _known_keys(kind: type[BaseModel], location: Sequence[str]) -> list[str]:
    """Return the keys of the model that a location of pydantic's points into."""
    for part in location:
        if part.isdigit():
            continue
        annotation = kind.model_fields[part].annotation
        candidates = [annotation, *get_args(annotation)]
        kind = next(c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel))
    return list(kind.model_fields)


def as_hyperparameters(settings: BaseModel) -> dict[str, str]:
    """Return settings as SageMaker's hyperparameters: flat, every value a text.

    A key inside a section is `section.key`; a text stands as it is unless it reads as JSON, anything
    else is JSON.
    `from_hyperparameters(type(settings), as_hyperparameters(settings)) == settings`.
    """
    return dict(_flat("", settings.model_dump(mode="json")))


def _flat(prefix: str, section: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in section.items():
        if isinstance(value, dict) and value:
            yield from _flat(f"{prefix}{key}.", value)
        else:
            plain = isinstance(value, str) and _json_value(value) == value
            yield f"{prefix}{key}", value if plain else json.dumps(value)


def from_hyperparameters(kind: type[Model], texts: Any) -> Model:
    """Return the settings that hyperparameters say.

    Raises
    ------
    ConfigError
        If a value is no text, a key is unknown, or a setting is wrong.
    """
    where = "hyperparameters.json"
    data: dict[str, Any] = {}
    for key, text in texts.items() if isinstance(texts, dict) else ():
        if not isinstance(text, str):
            why = f"it is {text!r}, and SageMaker passes texts"
            raise ConfigError(f"{where}: '{key}'", why, f'write "{text}"')
        *sections, last = key.split(".")
        if len(sections) >= MAX_DEPTH:
            why = f"it has {len(sections) + 1:,} parts, the limit is {MAX_DEPTH}"
            raise ConfigError(f"{where}: '{key[:40]}...'", why, "give the name of a setting")
        node = data
        for section in sections:
            node = node.setdefault(section, {})
            if not isinstance(node, dict):
                raise ConfigError(f"{where}: '{key}'", f"'{section}' is a value too", "give one of them")
        node[last] = _json_value(text)
    return validate(kind, data, where=where)


def _json_value(text: str) -> Any:
    """Return what a text reads as; one that is no JSON, or JSON that no reader of ours takes, is a text."""
    try:
        return parse_json(text.encode(errors="surrogatepass"), "a setting")
    except BadInput:
        return text
