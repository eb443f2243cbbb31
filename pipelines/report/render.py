"""Makes the page from the report's document and the pictures, and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from boomerang.formats.evaluation import Evaluation, Group
from pipelines.page.shell import Shell
from pipelines.page.svg import marker
from pipelines.report import drawings
from pipelines.report.document import MATRIX_CLASSES, MAX_PICTURES, Document, picture_key
from pipelines.report.flow import flow, names
from pipelines.report.pictures import data_uri, difference

_TEMPLATES = Path(__file__).with_name("templates")
_FIRST_PICTURES = 12
_SHADES = 9
# Files of which a notice speaks: at once, and when asked.
_NAMED, _MOST_NAMED = 5, 200

Pictures = dict[str, str]


def encode_pictures(evaluation: Evaluation | None) -> Pictures:
    """Return the data URI of every picture that the page shows.

    Keys are `document.picture_key`; `-before` is the picture without the trigger, and `-difference`,
    for the first of a gallery, what the trigger changed.
    """
    pictures: Pictures = {}
    for index, group in enumerate(evaluation.groups if evaluation else ()):
        assert evaluation is not None
        pictures |= _encode_group(evaluation, index, group)
    return pictures


def _encode_group(evaluation: Evaluation, index: int, group: Group) -> Pictures:
    shown = len(group.items[:MAX_PICTURES])
    images = evaluation.images(group.images)[:shown]
    pictures = {picture_key(index, k): data_uri(image) for k, image in enumerate(images)}
    if group.before is None:
        return pictures
    before = evaluation.images(group.before)[:shown]
    for k, plain in enumerate(before):
        pictures[f"{picture_key(index, k)}-before"] = data_uri(plain)
    if shown:
        pictures[f"{picture_key(index, 0)}-difference"] = data_uri(difference(images[0], before[0]))
    return pictures


def render(document: Document, pictures: Mapping[str, str]) -> str:
    """Return the page.

    Parameters
    ----------
    document : mapping
        What `report.json` holds.
    pictures : mapping of str to str
        See `encode_pictures`.
    """
    models = (document["results"] or {}).get("models", [])
    titles = {model["model"]: model["title"] for model in models}
    return _shell().render("report", document=document, pictures=pictures, titles=titles)


@lru_cache(maxsize=1)
def _shell() -> Shell:
    helpers = {
        "draw": drawings,
        "flow": flow,
        "names": names,
        "marker": marker,
        "picture": _picture,
        "confusion_classes": MATRIX_CLASSES,
        "first_pictures": _FIRST_PICTURES,
        "named": _NAMED,
        "most_named": _MOST_NAMED,
        "by_model": _by_model,
    }
    return Shell(_TEMPLATES, {"short": _short_digest, "capital": _capital, "shade": _shade}, helpers)


@pass_context
def _picture(context: Context, key: str, alt: str, side: int = 72) -> Markup:
    """Return an image element; one without pixels is an empty box that says so."""
    uri = context["pictures"].get(key)
    if uri is None:
        return Markup('<span class="no-picture">{}</span>').format(alt)
    return Markup('<img src="{}" alt="{}" width="{}" height="{}">').format(uri, alt, side, side)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _short_digest(digest: str) -> str:
    return digest[:12]


def _shade(count: int, total: int) -> int:
    """Return how dark a cell is, 0 to 9; the root keeps small counts apart from none at all."""
    return 0 if not count or not total else max(1, round(_SHADES * (count / total) ** 0.5))


def _by_model(entries: list[dict[str, Any]], key: str) -> dict[str, Any] | None:
    """Return the entry of a list that belongs to a model."""
    return next((entry for entry in entries if entry["model"] == key), None)
