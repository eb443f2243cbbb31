"""Write docs/config.md from the models that check a configuration, so that it says what they do.

python docs/make_config.py
"""

from __future__ import annotations

import inspect
import re
import sys
import typing
from pathlib import Path

from pydantic import BaseModel
from pydantic.fields import FieldInfo

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from pipelines.campaign.sections import Config  # noqa: E402  the project is not installed
from processing.attacks import ATTACKS  # noqa: E402
from processing.defenses.screening import DETECTORS  # noqa: E402

INTRO = """# Configuration

A campaign entry is one TOML file. Every key has a default; an unknown key is an error that names the
nearest known one. On the command line `--set section.key=value` changes one key, `--set
attacks.0.rate=0.02` reaches into a list. The bundled entries in `pipelines/campaign/configs` are examples.

This page is made by `python docs/make_config.py` from the models that do the checking.
"""


def main() -> None:
    """Write the page."""
    (ROOT / "docs" / "config.md").write_text(page())


def page() -> str:
    """Return the whole page as Markdown."""
    parts = [INTRO, "## Top level\n", table(Config)]
    for name, field in Config.model_fields.items():
        model = inner_model(field)
        if model is not None and name not in ("attacks",):
            heading = f"[[{name}]]" if "tuple" in str(field.annotation) else f"[{name}]"
            parts += [f"## `{heading}`\n", prose(model), table(model)]
    parts.append("## `[[attacks]]`\n\nThe recipe, in order. `kind` says which attack; the rest is its own.\n")
    for kind, attack in ATTACKS.items():
        parts += [f"### `{kind}`\n", prose(attack), table(attack)]
    parts.append("## `[[screen.detectors]]`\n\nA row that any of them flags is not kept.\n")
    for kind, detector in DETECTORS.items():
        parts += [f"### `{kind}`\n", prose(detector), table(detector)]
    return "\n".join(parts)


def inner_model(field: FieldInfo) -> type[BaseModel] | None:
    """Return the section's model, if the field is a section or a list of them."""
    for candidate in (field.annotation, *typing.get_args(field.annotation)):
        if inspect.isclass(candidate) and issubclass(candidate, BaseModel):
            return candidate
    return None


def prose(model: type[BaseModel]) -> str:
    """Return the docstring, its list of fields as a Markdown list."""
    text = inspect.cleandoc(model.__doc__ or "")
    text = re.sub(r"\n(Attributes|Parameters)\n-+\n", "\n", text)
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("    ") and lines and lines[-1].startswith("- "):
            lines[-1] += (" — " if lines[-1].endswith("`") else " ") + line.strip()
        elif (match := re.match(r"^([a-z_]+(?:, [a-z_]+)*) : ", line)) or (
            lines and re.fullmatch(r"[a-z_]+(, [a-z_]+)*", line) and (match := re.match(r"(.+)", line))
        ):
            lines.append("- " + ", ".join(f"`{name}`" for name in match[1].split(", ")))
        else:
            lines.append(line)
    return "\n".join(lines).strip() + "\n"


def table(model: type[BaseModel]) -> str:
    """Return one row a key: its type and default."""
    rows = ["| key | type | default |", "| --- | --- | --- |"]
    for name, field in model.model_fields.items():
        if inner_model(field) is None:
            rows.append(f"| `{name}` | {type_name(field)} | {default(field)} |")
    return "\n".join(rows) + "\n" if len(rows) > 2 else ""


def type_name(field: FieldInfo) -> str:
    """Return the type as a person writes it."""
    text = str(field.annotation)
    if match := re.search(r"Literal\[(.*?)\]", text):
        return "one of " + match[1].replace("'", "`").replace("|", "\\|")
    if inspect.isclass(field.annotation):
        text = field.annotation.__name__
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    known = [(sign, getattr(part, key, None)) for part in field.metadata for key, sign in signs.items()]
    limits = ", ".join(f"{sign} {limit}" for sign, limit in known if limit is not None)
    text = text.replace("|", "or")
    return f"{text} ({limits})" if limits else text


def default(field: FieldInfo) -> str:
    """Return the default, or that there is none."""
    return "required" if field.is_required() else f"`{field.default!r}`"


if __name__ == "__main__":
    main()
