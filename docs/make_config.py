"""Write docs/config.md from the models that check a configuration, so that it says what they do.

python docs/make_config.py
"""

from __future__ import annotations

import inspect
import itertools
import sys
import typing
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from boomerang.kinds import Kinds  # noqa: E402  the project need not be installed
from pipelines.campaign.sections import Config  # noqa: E402
from pipelines.catalogue.setting_words import (  # noqa: E402
    default_words,
    setting_texts,
    text_of,
    type_words,
)
from processing.attacks import ATTACKS  # noqa: E402
from processing.datasets import SOURCES  # noqa: E402
from processing.defenses.screening import DETECTORS  # noqa: E402
from training.architectures import ARCHITECTURES  # noqa: E402
from training.inference import INFERENCE  # noqa: E402
from training.repair import REPAIRS  # noqa: E402

INTRO = """# Configuration

A campaign entry is one TOML file. Every key has a default; an unknown key is an error that names the
nearest known one. On the command line `--set section.key=value` changes one key, `--set
attacks.0.rate=0.02` reaches into a list. The bundled entries in `pipelines/campaign/configs` are examples.

This page is made by `python docs/make_config.py` from the models that do the checking.
"""

# Sections that are lists of things of a kind, and sections whose further keys are of one.
LISTS: dict[str, tuple[Kinds[Any], str]] = {
    "attacks": (ATTACKS, "The recipe, in order. `kind` says which attack; the rest is its own."),
    "harden": (
        REPAIRS,
        "The repairs that make the hardened model, one after the other; `harden = []` for none. Where "
        "nothing is repaired and nothing wraps it, the victim is the candidate.",
    ),
    "inference": (
        INFERENCE,
        "Defenses at inference that wrap the hardened model, the first innermost; they are part of what is "
        "saved, gated and asked by the canary.",
    ),
}
DETECTED = (DETECTORS, "A row that any of them flags is not kept.")
OWN: dict[str, Kinds[Any]] = {"data": SOURCES, "model": ARCHITECTURES}


def main() -> None:
    """Write the page."""
    (ROOT / "docs" / "config.md").write_text(page())


def page() -> str:
    """Return the whole page as Markdown."""
    parts = [INTRO, "## Top level\n", table(Config)]
    for name, field in Config.model_fields.items():
        model = inner_model(field)
        if name in LISTS:
            parts += listed(f"[[{name}]]", *LISTS[name])
        elif model is not None:
            heading = f"[[{name}]]" if "tuple" in str(field.annotation) else f"[{name}]"
            parts += [f"## `{heading}`\n", prose(model), table(model)]
        if name in OWN:
            parts += of_kinds(OWN[name])
        if name == "screen":
            parts += listed("[[screen.detectors]]", *DETECTED)
    return "\n".join(parts)


def listed(heading: str, kinds: Kinds[Any], words: str) -> list[str]:
    """Return the part of a list whose entries are of kinds."""
    return [f"## `{heading}`\n\n{words}\n", *of_kinds(kinds)]


def of_kinds(kinds: Kinds[Any]) -> list[str]:
    """Return what each kind is and what it may say."""
    parts = []
    for kind, found in kinds.items():
        parts += [f"### `{kind}`\n", prose(found), table(found)]
    return parts


def inner_model(field: FieldInfo) -> type[BaseModel] | None:
    """Return the section's model, if the field is a section or a list of them."""
    for candidate in (field.annotation, *typing.get_args(field.annotation)):
        if inspect.isclass(candidate) and issubclass(candidate, BaseModel):
            return candidate
    return None


def prose(model: type[BaseModel]) -> str:
    """Return what its docstring says, and what that or a class it is derived from says of each field."""
    texts = setting_texts(model)
    said = [(texts[name], name) for name in model.model_fields if name in texts]
    listed = [
        f"- {', '.join(f'`{name}`' for _, name in alike)} — {text}"
        for text, alike in itertools.groupby(said, lambda each: each[0])
    ]
    return "\n".join([text_of(model), *([""] if listed else []), *listed]) + "\n"


def table(model: type[BaseModel]) -> str:
    """Return one row a key: its type and default."""
    rows = ["| key | type | default |", "| --- | --- | --- |"]
    for name, field in model.model_fields.items():
        if inner_model(field) is None and name != "kind":  # which stands in the heading
            rows.append(f"| `{name}` | {type_words(field)} | {default_words(field)} |")
    return "\n".join(rows) + "\n" if len(rows) > 2 else ""


if __name__ == "__main__":
    main()
