"""Builds the report's document: plain JSON that holds every number and sentence of the page.

`report.json` is this document. The page is made from its text and the pictures alone, so the two
cannot disagree.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from boomerang.formats.evaluation import AttackWords, DetectorWords, Evaluation, Group
from boomerang.formats.predictions import Answers, open_predictions
from boomerang.formats.screen import CONTROLS
from boomerang.metrics import AttackNumbers, DetectorNumbers, Metrics
from boomerang.scoring import confusion, rate
from pipelines.page import gate_table
from pipelines.page.scrub import scrub
from pipelines.report import lineage_graph as origin
from pipelines.report import provenance, sentences
from pipelines.report.curves import histogram, note_curve, roc
from pipelines.report.run_folder import Run
from pipelines.runs.step_notices import notices_of
from processing.datasets import SOURCES
from training.architectures import ARCHITECTURES

FORMAT = 1
MAX_PICTURES = 36
# Of more classes than this a matrix is nothing to look at: the most frequent mistakes are.
MATRIX_CLASSES, _MISTAKES = 16, 12

Document = dict[str, Any]


def build(run: Run) -> Document:
    """Return the document of a run, fit to be shown: see `scrub`."""
    evaluation = run.evaluation
    document: Document = {
        "format": FORMAT,
        "run": {
            "id": run.execution.run_id,
            "ended": run.execution.ended,
            "name": run.config.get("name", ""),
            "seed": run.config.get("seed"),
            "source": run.config.get("data", {}).get("source", ""),
        },
        "failure": _failure(run),
        "notices": [asdict(said) | {"text": said.text} for said in notices_of(run.execution)],
        "provenance": provenance.build(run),
        "lineage": origin.build(run.lineage),
        "results": None if evaluation is None else _results(run, evaluation),
    }
    cleaned: Document = scrub(document)
    return cleaned


def _failure(run: Run) -> Document | None:
    """Return why the run stopped; a gate that rejects stops nothing that was to be measured."""
    step = run.stopped_by
    if step is not None:
        return {"step": step.name, "why": step.detail or run.execution.failure, "log": run.log_tail(step)}
    if run.evaluation is None:
        why = run.execution.failure or "It was stopped from outside, or is still running."
        return {"step": run.execution.failed_step, "why": why, "log": ""}
    return None


def _results(run: Run, evaluation: Evaluation) -> Document:
    metrics = evaluation.metrics
    galleries = [_gallery(index, group) for index, group in enumerate(evaluation.groups)]
    return {
        "outcome": _outcome(evaluation),
        "data": _data(run, metrics),
        "attacks": _attacks(run, evaluation),
        "models": _models(evaluation, run.config),
        "gate": gate_table.table(metrics),
        "galleries": galleries,
        "showpiece": _showpiece(galleries, metrics),
        "screen": _screen(evaluation),
        "repairs": _repairs(evaluation),
        "canaries": metrics.canaries.model_dump(mode="json"),
    }


def _attacked(metrics: Metrics) -> bool:
    return any(metrics.data.poisoned.values())


def _outcome(evaluation: Evaluation) -> Document:
    metrics = evaluation.metrics
    passed = {key: model.verdict.passed for key, model in metrics.models.items()}
    told = sentences.outcome(
        attacked=_attacked(metrics),
        baseline=passed.get("baseline", True),
        victim=passed.get("victim", False),
        hardened=passed.get("hardened"),
        unmeasured=gate_table.unmeasured(metrics.models[metrics.candidate]),
        control=", ".join(entry.title or entry.name for entry in _controls(evaluation)),
    )
    return {"tone": told.tone, "headline": told.headline, "detail": told.detail}


def _data(run: Run, metrics: Metrics) -> Document:
    data = metrics.data
    source = run.config.get("data", {}).get("source", "")
    network = run.config.get("model", {}).get("architecture", "")
    poisoned = sum(data.poisoned.values())
    return {
        "name": data.name,
        "what": SOURCES[source].words if source in SOURCES else "",
        "network": ARCHITECTURES[network].words if network in ARCHITECTURES else "",
        "classes": list(data.classes),
        "rows": data.rows,
        "poisoned": data.poisoned,
        "poisoned_rows": poisoned,
        "poisoning_rate": poisoned / data.rows["train"] if data.rows.get("train") else None,
    }


def attack_names(metrics: Metrics) -> list[str]:
    """Return the attacks' names in the order of the recipe, which is the order of their row codes."""
    models = metrics.models.values()
    return [attack.name for attack in next(iter(models)).attacks] if models else []


def _attacks(run: Run, evaluation: Evaluation) -> list[Document]:
    metrics, specs = evaluation.metrics, run.config.get("attacks", [])
    told = {attack.name: attack for attack in evaluation.attacks}
    attacks = []
    for index, name in enumerate(attack_names(metrics)):
        by_model = {key: model.attacks[index] for key, model in metrics.models.items()}
        first = next(iter(by_model.values()))
        spec = specs[index] if index < len(specs) else {"kind": first.kind, "target": first.target}
        rows = metrics.data.poisoned.get(name, 0)
        attacks.append(
            {
                "number": index + 1,
                "name": name,
                "kind": first.kind,
                "outcome": first.outcome,
                "target": first.target,
                "source": spec.get("source"),
                "rows": rows,
                **_words(told.get(name, AttackWords(name=name))),
                "settings": spec,
                "models": [_attack_on(metrics, key, by_model[key]) for key in metrics.models],
            }
        )
    return attacks


def _words(told: AttackWords) -> Document:
    visibility = told.model_dump(mode="json", exclude={"name", "title", "deed", "filed_under"})
    return {
        "deed": told.deed,
        "references": [each.model_dump(mode="json") for each in told.filed_under],
        "visibility": {**visibility, "text": sentences.visibility(told)},
    }


def _attack_on(metrics: Metrics, key: str, attack: AttackNumbers) -> Document:
    """Return what an attack did to one model, which number of it the gate takes, or why there is none."""
    words = {
        "held": gate_table.held(attack, metrics.models[key]),
        "why": gate_table.why_no_rate(attack),
        "came_back": sentences.came_back(attack),
    }
    return {"model": key, **attack.model_dump(mode="json"), **words}


def _models(evaluation: Evaluation, config: Document) -> list[Document]:
    metrics, test = evaluation.metrics, open_predictions(evaluation.folder).test
    schedule, given = config.get("victim", {}).get("schedule", ""), config.get("given", {})

    def words(key: str) -> tuple[str, str]:
        past = "history" in metrics.data.rows
        file = Path(given.get("path", "")).name if given.get("role") == key else ""
        return sentences.model_words(
            key, attacked=_attacked(metrics), schedule=schedule, past=past, file=file
        )

    return [
        {
            "model": key,
            "title": words(key)[0],
            "about": sentences.made_by(metrics.models[key].repairs, metrics.models[key].inference)
            or words(key)[1],
            "candidate": key == metrics.candidate,
            "reasons": gate_table.reasons(metrics.models[key]),
            **_mistakes(test, key, metrics.data.classes),
            **metrics.models[key].model_dump(mode="json", exclude={"attacks"}),
        }
        for key in metrics.models
    ]


def _mistakes(test: Answers, model: str, classes: tuple[str, ...]) -> Document:
    """Return what a model calls the test images of each class: a matrix, or of many classes the worst."""
    y, calls = test.y.astype(np.int64), test.calls[model].astype(np.int64)
    if len(classes) <= MATRIX_CLASSES:
        return {"confusion": confusion(y, calls, len(classes)).tolist()}
    rows, wrong = np.bincount(y, minlength=len(classes)), (y != calls) & (calls >= 0)
    pairs, counts = np.unique(np.stack([y, calls])[:, wrong], axis=1, return_counts=True)
    worst = np.lexsort((*pairs[::-1], -counts))[:_MISTAKES]
    return {
        "mistakes": [
            {"right": classes[i], "called": classes[j], "count": int(count), "total": int(rows[i])}
            for (i, j), count in zip(pairs.T[worst], counts[worst], strict=True)
        ]
    }


def picture_key(gallery: int, picture: int) -> str:
    """Return the name by which the page finds a picture."""
    return f"{gallery}-{picture}"


def _gallery(index: int, group: Group) -> Document:
    items = [
        {"picture": picture_key(index, k), **item.model_dump(mode="json")}
        for k, item in enumerate(group.items[:MAX_PICTURES])
    ]
    return {
        "id": group.id,
        "kind": group.kind,
        "title": group.title,
        "attack": group.attack,
        "before": group.before is not None,
        "items": items,
        "left_out": max(0, len(group.items) - MAX_PICTURES),
    }


def _showpiece(galleries: list[Document], metrics: Metrics) -> Document | None:
    """Choose the picture that shows what usually happened, from the gallery with most to tell.

    On it as many models as possible say what they say most often: no model is shown better or worse
    than it is.
    """
    target = {attack.name: attack.target for model in metrics.models.values() for attack in model.attacks}
    asked = [g for g in galleries if g["kind"] in ("triggered", "pictures") and g["attack"] and g["items"]]
    if not asked:
        return None
    fooled = {g["id"]: _usual_calls(g).get("victim") == target.get(g["attack"]) for g in asked}
    gallery = max(asked, key=lambda g: (fooled[g["id"]], g["before"]))
    usual = _usual_calls(gallery)
    item = max(gallery["items"], key=lambda item: _typical(item, usual))
    return {**{key: gallery[key] for key in ("kind", "title", "attack", "before")}, "item": item}


def _usual_calls(gallery: Document) -> dict[str, str]:
    """Return what each model says most often of the pictures of a gallery."""
    models = {model for item in gallery["items"] for model in item["calls"]}
    calls = {model: Counter(item["calls"].get(model) for item in gallery["items"]) for model in models}
    return {model: str(counted.most_common(1)[0][0]) for model, counted in calls.items()}


def _typical(item: Document, usual: dict[str, str]) -> tuple[int, float]:
    """Return how many models say the usual, and how sure the least sure one is."""
    agreeing = sum(item["calls"].get(model) == call for model, call in usual.items())
    return agreeing, min(item["confidence"].values(), default=0.0)


def _screen(evaluation: Evaluation) -> Document:
    metrics = evaluation.metrics
    by_name = {numbers.name: numbers for numbers in metrics.detectors}
    detectors = [
        _detector(evaluation, k, entry, by_name[entry.name])
        for k, entry in enumerate(evaluation.detectors)
        if entry.name in by_name
    ]
    return {
        "clean": not _attacked(metrics),
        "control": bool(_controls(evaluation)),
        "together": _recall_by_attack(metrics.screen, attack_names(metrics)),
        "detectors": detectors,
    }


def _repairs(evaluation: Evaluation) -> list[Document]:
    """Return what each repair noted, those that noted something: single facts, curves, and the rest."""
    return [
        {"model": model, "title": part.title, **_told_apart(part.notes)}
        for model, parts in evaluation.repairs.items()
        for part in parts
        if part.notes
    ]


def _told_apart(notes: Document) -> Document:
    curves = {name: points for name, note in notes.items() if (points := note_curve(note)) is not None}
    facts = {name: note for name, note in notes.items() if isinstance(note, str | int | float)}
    rest = {name: note for name, note in notes.items() if name not in curves | facts}
    return {"facts": facts, "curves": curves, "rest": rest}


def _controls(evaluation: Evaluation) -> list[DetectorWords]:
    """Return what took rows out that knows the truth; none after a screen."""
    return [entry for entry in evaluation.detectors if entry.kind in CONTROLS]


def _detector(evaluation: Evaluation, k: int, entry: DetectorWords, numbers: DetectorNumbers) -> Document:
    scores, attack_of = evaluation.scores[k], evaluation.attack_of
    attacks = attack_names(evaluation.metrics)
    by_attack = [
        roc(scores[(attack_of == 0) | (attack_of == n)], attack_of[(attack_of == 0) | (attack_of == n)] == n)
        for n in range(1, len(attacks) + 1)
    ]
    return {
        **_recall_by_attack(numbers, attacks),
        "title": entry.title or entry.name,
        "threshold": entry.threshold,
        "stated_fpr": _stated(entry, numbers),
        "notes": entry.notes,
        "histogram": histogram(scores, attack_of, len(attacks)),
        "roc": roc(scores, attack_of > 0),
        "roc_by_attack": by_attack,
    }


def _stated(entry: DetectorWords, numbers: DetectorNumbers) -> Document | None:
    """Return the rate of false positives that was promised; `kept` unless all of the interval is above."""
    if entry.stated_fpr is None:
        return None
    return {"value": entry.stated_fpr, "kept": (numbers.fpr.low or 0) <= entry.stated_fpr}


def _recall_by_attack(numbers: DetectorNumbers, attacks: list[str]) -> Document:
    """Return a detector's numbers with `by_attack` as a list in the order of the recipe."""
    found = [numbers.by_attack.get(name, rate(0, 0)).model_dump(mode="json") for name in attacks]
    return {**numbers.model_dump(mode="json", exclude={"by_attack"}), "by_attack": found}
