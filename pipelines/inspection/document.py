"""What an inspection found as plain JSON: the file beside the page, and what the page is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from boomerang.scoring import Rate
from pipelines.inspection.examined import Examined
from pipelines.inspection.lab import Lab
from pipelines.inspection.subject import Subject
from pipelines.page.scrub import scrub
from training.checks.neural_cleanse import ReversedTriggers
from training.checks.weight_spectrum import LayerSpectrum

Document = dict[str, Any]


def build(subject: Subject, found: Examined, lab: Lab | None, seed: int) -> Document:
    """Return the document; no text in it names a path of this machine."""
    document = {
        "format": 1,
        "model": {
            "name": subject.name,
            "kind": subject.kind,
            "classes": list(subject.classes),
            "shape": list(subject.shape),
            "parameters": subject.model.count_params(),
        },
        "seed": seed,
        "verdict": _verdict(subject, found),
        "mm_bd": _margins(found),
        "neural_cleanse": None if found.triggers is None else _triggers(found.triggers),
        "channels": [_channels(each) for each in found.channels],
        "head": None
        if found.head is None
        else {name: _list(values) for name, values in vars(found.head).items()},
        "lab": None if lab is None else _plain(asdict(lab)),
        "cpu_seconds": {name: round(seconds, 2) for name, seconds in found.cpu_s.items()},
    }
    scrubbed: Document = scrub(document)
    return scrubbed


def _verdict(subject: Subject, found: Examined) -> Document:
    verdict = found.verdict
    named = [subject.classes[target] for target in verdict.targets]
    return {
        "suspicious": verdict.suspicious,
        "targets": named,
        "headline": headline(named) if verdict.suspicious else "Nothing found",
        "evidence": [
            asdict(each) | {"target": None if each.target is None else subject.classes[each.target]}
            for each in verdict.evidence
        ],
    }


def headline(named: list[str]) -> str:
    """Return what is said of a suspicious model.

    >>> headline(["bird"])
    'Suspicious: a backdoor to “bird”'
    """
    return "Suspicious: a backdoor to " + " or ".join(f"“{name}”" for name in named)


def _margins(found: Examined) -> Document:
    margins = found.margins
    return {
        "margins": _list(margins.margins),
        "values": _list(margins.values),
        "control": found.control,
        "ratio": margins.ratio,
        "p": margins.p,
        "p_published": margins.p_published,
    }


def _triggers(triggers: ReversedTriggers) -> Document:
    return {
        "classes": list(triggers.classes),
        "sizes": _list(triggers.sizes),
        "success": _list(triggers.success),
        "index": _list(triggers.index),
        "smallest": triggers.smallest,
    }


def _channels(layer: LayerSpectrum) -> Document:
    return {"layer": layer.layer, "bounds": _list(layer.bounds), "far": list(layer.far)}


def _list(values: Any) -> list[float]:
    return [float(f"{value:.6g}") for value in np.asarray(values, np.float64)]


def _plain(value: Any) -> Any:
    """Return a value with rates as the pages take them."""
    if isinstance(value, Rate):
        return value.model_dump()
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
