"""What `inspect` says of models that are known: victims of a campaign, and its baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from bench.results import RESULTS
from bench.staged.by_seed import BySeed

# So many clean rows are given for Neural Cleanse, and twice as many to the laboratory, which parts them.
_CLEAN = 500
# Of which attack the laboratory is shown.
_SHOWN = "badnets"


@dataclass(frozen=True)
class Inspected(BySeed):
    """A campaign of one row without defenses, each model of which is inspected."""

    def kept(self, matrix: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        """Return what was said of each model of one seed; see `BySeed.kept`."""
        runs = {cell["column"]: folder / cell["runs"][0]["run"] for cell in matrix["cells"]}
        numbers = {cell["column"]: cell["numbers"] for cell in matrix["cells"]}
        (clean,) = (column["id"] for column in matrix["columns"] if column["clean"])
        told = [_examined("the baseline", None, runs[clean], "TrainBaseline")]
        for column in matrix["columns"]:
            asr = numbers[column["id"]].get("asr", {}).get("value")
            run = runs[column["id"]]
            told.append(_examined(column["title"], asr, run, "TrainVictim"))
            if column["attack"] == _SHOWN:
                told[-1]["lab"] = _laboratory(run)
        return {"columns": told, "versions": matrix["versions"]}

    def table(self, folder: Path = RESULTS) -> list[str]:
        """Return the Markdown: a line for each model and seed."""
        head = ("model", "ASR", "MM-BD alone", "as published", "by the baseline", "Neural Cleanse", "CPU-s")
        lines = [f"| {' | '.join(head)} |", "| --- |" + " --- |" * (len(head) - 1)]
        return lines + [_line(model) for seeds in self.columns(folder) for model in seeds]

    def laboratory(self, folder: Path = RESULTS) -> list[str]:
        """Return the Markdown of what the laboratory made of one victim, of the first seed."""
        head = ("model", "accuracy", "ASR", "refused, clean", "refused, triggered", "CPU-s")
        lines = [f"| {' | '.join(head)} |", "| --- |" + " --- |" * (len(head) - 1)]
        shown = [model for seeds in self.columns(folder) for model in seeds[:1] if "lab" in model]
        for each in shown[0]["lab"] if shown else ():
            rates = ("accuracy", "asr", "refused_clean", "refused_triggered")
            cells = (each["title"], *(_percent(each[name]) for name in rates), f"{each['cpu_s']:.0f}")
            lines.append(f"| {' | '.join(cells)} |")
        return lines


def _examined(title: str, asr: float | None, run: Path, step: str) -> dict[str, Any]:
    from training.checks.mm_bd import judged, largest_margins
    from training.checks.neural_cleanse import neural_cleanse

    model, classes, clean = _opened(run, step)
    began = process_time()
    margins = largest_margins(model)
    spent = process_time() - began
    alone, beside = judged(margins), None
    if step != "TrainBaseline":
        beside = judged(margins, largest_margins(_opened(run, "TrainBaseline")[0]))
    began = process_time()
    triggers = neural_cleanse(model, clean[:_CLEAN], range(len(classes)))
    return {
        "title": title,
        "asr": asr,
        "alone": _margins(alone, classes) | {"published": alone.p_published},
        "beside": None if beside is None else _margins(beside, classes),
        "triggers": {
            "class": classes[triggers.target],
            "pixels": round(float(triggers.sizes[triggers.smallest]), 1),
            "index": round(float(triggers.index[triggers.smallest]), 2),
            "alarm": triggers.alarm,
        },
        "cpu_s": [round(spent, 1), round(process_time() - began, 1)],
    }


def _margins(found: Any, classes: Sequence[str]) -> dict[str, Any]:
    return {"class": classes[found.target], "p": found.p, "alarm": found.alarm}


def _laboratory(run: Path) -> list[dict[str, Any]]:
    """Return what the laboratory measures of a run's victim: on test images with the run's own trigger."""
    from boomerang.manifest import opened
    from pipelines.inspection.lab import experiment
    from pipelines.runs.records import load_execution
    from processing.attacks.common.trigger import load_trigger
    from training.labeled import Labeled

    model, classes, clean = _opened(run, "TrainVictim")
    record = load_execution(run)
    rows = opened(record.path("Preprocess", "validation"))
    (trigger,) = load_trigger(record.path("Poison", "secret") / "trigger")
    trial = trigger.trial(opened(record.path("Preprocess", "heldout") / "test"), {})
    assert trial.target is not None
    marked = Labeled(np.asarray(trial.x), np.full(len(trial.y), trial.target))
    given = Labeled(clean[: 2 * _CLEAN], np.asarray(rows.y)[: 2 * _CLEAN])
    lab = experiment(model, given, marked, classes, 0, lambda _: None)
    rates = ("accuracy", "asr", "refused_clean", "refused_triggered")
    return [
        {"title": each.title, "cpu_s": round(each.cpu_s, 1)}
        | {name: None if (rate := getattr(each, name)) is None else rate.value for name in rates}
        for each in lab.models
    ]


def _opened(run: Path, step: str) -> tuple[Any, tuple[str, ...], Any]:
    """Return a model of a run, its classes, and the run's trusted images."""
    from boomerang.manifest import opened
    from pipelines.runs.records import load_execution
    from training.model import load_model

    record = load_execution(run)
    model, card = load_model(record.path(step, "model").parent)
    return model, card.classes, np.asarray(opened(record.path("Preprocess", "validation")).x)


def _line(model: Mapping[str, Any]) -> str:
    alone, beside, triggers = model["alone"], model["beside"], model["triggers"]
    published = alone["published"]
    cells = (
        model["title"],
        _percent(model["asr"]),
        _said(alone, f"p {alone['p']:.2g}"),
        "–" if published is None else f"p {published:.2g}",
        "–" if beside is None else _said(beside, f"p {beside['p']:.2g}"),
        _said(triggers, f"{triggers['pixels']} px, index {triggers['index']}"),
        " + ".join(f"{seconds:.0f}" for seconds in model["cpu_s"]),
    )
    return f"| {' | '.join(cells)} |"


def _said(found: Mapping[str, Any], words: str) -> str:
    return f"**{found['class']}**, {words}" if found["alarm"] else f"nothing ({words})"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


INSPECTED = Inspected(
    "inspected_fashion",
    "what the checks say of known models, Fashion-MNIST, seed by seed",
    "inspected-fashion.toml",
    2000,
)
