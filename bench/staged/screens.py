"""What every screen finds of attacks on real images, each at its defaults: the tables of docs/results.md."""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.results import RESULTS
from bench.staged.by_seed import BySeed, interval
from boomerang.formats.evaluation import KIND as EVALUATION
from boomerang.formats.evaluation import open_evaluation
from boomerang.metrics import DetectorNumbers
from boomerang.scoring import Rate, rate
from pipelines.campaign.entry import EVALUATE, SCREEN
from pipelines.runs.records import Execution, load_execution

# The rows of such a campaign: every screen on one victim, and what the entry does of itself.
_ALL, _DEFAULT = "screens", "default"
_COUNTED = ("tpr", "fpr", "least_left")
# So many screens stand in one table beside each other, and a screen above this FPR may not gate.
_ABREAST, _MOST_FPR = 5, 0.01
# What Screen writes into its log, see `processing.screen.screen`.
_SPENT = re.compile(r"^(\w[\w-]*): .* in ([\d.]+) CPU-s$", re.M)
_FEATURES = "features"

Counts = Mapping[str, int]
Kept = Mapping[str, Any]


@dataclass(frozen=True)
class ScreenTable(BySeed):
    """A campaign of two rows: every screen on the same victims, and the default one with a retraining."""

    def kept(self, matrix: Mapping[str, Any], folder: Path) -> dict[str, Any]:
        """Return what of the runs of one seed the tables are made of; see `BySeed.kept`."""
        runs = {
            (cell["row"], cell["column"]): load_execution(folder / cell["runs"][0]["run"])
            for cell in matrix["cells"]
        }
        columns = []
        for column in matrix["columns"]:
            told = {key: column[key] for key in ("id", "title", "attack", "data", "data_title", "clean")}
            every, default = (runs[row, column["id"]] for row in (_ALL, _DEFAULT))
            columns.append(told | _every(every) | {"default": _default(default)})
        return {"columns": columns, "versions": matrix["versions"]}

    def table(self, folder: Path = RESULTS) -> list[str]:
        """Return the Markdown: the default screen, all screens against each attack, and what they cost."""
        if not (columns := self.columns(folder)):
            return ["Not measured yet."]
        attacks = [same for same in columns if not same[0]["clean"]]
        screens = [(each["name"], each["title"]) for each in columns[0][0]["screens"]]
        lines = _defaults(columns)
        for start in range(0, len(screens), _ABREAST):
            lines += ["", *_found(attacks, screens[start : start + _ABREAST])]
        return [*lines, "", *_costs(columns, screens), "", _together(columns)]


# ---- what is kept of a run


def _every(run: Execution) -> dict[str, Any]:
    """Return what every screen found of one poisoned set, and how well the attack worked on its victim."""
    evaluation, spent = open_evaluation(run.path(EVALUATE, EVALUATION)), _spent(run)
    metrics, titles = evaluation.metrics, {each.name: each.title for each in evaluation.detectors}
    screens = [
        {"name": each.name, "title": titles[each.name], **_numbers(each), "cpu_s": spent.get(each.name)}
        for each in metrics.detectors
    ]
    step = run.step(SCREEN)
    victim = metrics.models["victim"]
    return {
        "asr": _success(victim.attacks),
        "accuracy": _counts(victim.clean_accuracy),
        "screens": screens,
        "features_cpu_s": spent.get(_FEATURES),
        "screen_cpu_s": step.cpu_seconds,
        "screen_mb": round(step.peak_bytes / 1e6),
    }


def _default(run: Execution) -> dict[str, Any]:
    """Return what the default screen found, and what became of the attack after the retraining."""
    metrics = open_evaluation(run.path(EVALUATE, EVALUATION)).metrics
    hardened = metrics.models[metrics.candidate]
    return {
        **_numbers(metrics.screen),
        "asr": _success(hardened.attacks),
        "accuracy": _counts(hardened.clean_accuracy),
        "passed": hardened.verdict.passed,
    }


def _numbers(numbers: DetectorNumbers) -> dict[str, Any]:
    rates = {key: _counts(getattr(numbers, key)) for key in _COUNTED}
    scores = {key: getattr(numbers, key) for key in ("auroc", "ap")}
    plain = {key: round(value, 4) for key, value in scores.items() if value is not None}
    return {"flagged": numbers.flagged, **rates, **plain}


def _success(attacks: Sequence[Any]) -> dict[str, int] | None:
    """Return the counts of the attack's success; None of one that aims at no class, or that is not there."""
    return next((_counts(each.asr) for each in attacks if each.asr is not None), None)


def _counts(found: Rate) -> dict[str, int]:
    return {"successes": found.successes, "total": found.total}


def _spent(run: Execution) -> dict[str, float]:
    """Return the CPU-seconds of each screen and of `features`; nothing of a run that has no log of its own.

    The features are asked for by the first screen that needs them, and are not counted as its own.
    """
    log = run.step(SCREEN).log
    return {} if log is None else spent_of((run.run_dir / log).read_text())


def spent_of(log: str) -> dict[str, float]:
    """Return the CPU-seconds of each screen, and of `features`, of what Screen has written into its log."""
    found: dict[str, float] = {}
    asked = 0.0
    for name, text in _SPENT.findall(log):
        took = float(text)
        if name == _FEATURES:
            asked += took
            found[name] = found.get(name, 0.0) + took
        else:
            found[name], asked = max(0.0, took - asked), 0.0
    return {name: round(took, 3) for name, took in found.items()}


# ---- tables, over the seeds


def _defaults(columns: Sequence[Sequence[Kept]]) -> list[str]:
    """Return the table of the default screen: what it finds, and the attack before and after."""
    heads = ("", "victim's ASR", "TPR", "FPR", "hardened ASR", "accuracy before", "after")
    lines = [_line(heads), _line(["---"] * len(heads))]
    for same in columns:
        default = [each["default"] for each in same]
        cells = (
            _over(same, "asr"),
            _over(default, "tpr"),
            _over(default, "fpr"),
            _over(default, "asr"),
            _over(same, "accuracy"),
            _over(default, "accuracy"),
        )
        lines.append(_line([same[0]["title"], *map(interval, cells)]))
    return lines


def _found(attacks: Sequence[Sequence[Kept]], screens: Sequence[tuple[str, str]]) -> list[str]:
    """Return a table of some screens: TPR / FPR (AUROC) of each on each attack."""
    lines = [_line(["", *(title for _, title in screens)]), _line(["---"] * (len(screens) + 1))]
    for same in attacks:
        cells = [_cell([_screen(each, name) for each in same]) for name, _ in screens]
        lines.append(_line([same[0]["title"], *cells]))
    return lines


def _cell(numbers: Sequence[Kept]) -> str:
    found, false = (_percent(_over(numbers, key)) for key in ("tpr", "fpr"))
    aurocs = [each["auroc"] for each in numbers if "auroc" in each]
    return f"{found} / {false} ({100 * statistics.mean(aurocs):.1f})" if aurocs else f"{found} / {false}"


def _costs(columns: Sequence[Sequence[Kept]], screens: Sequence[tuple[str, str]]) -> list[str]:
    """Return the table of clean sets: FPR by data, with what else a screen costs."""
    clean = [same for same in columns if same[0]["clean"]]
    attacks = [same for same in columns if not same[0]["clean"]]
    heads = (*(f"FPR, {same[0]['data_title']}" for same in clean), "least left", "innocent", "CPU-s", "")
    lines = [_line(["", *heads]), _line(["---"] * (len(heads) + 1))]
    for name, title in screens:
        rates = [_over([_screen(each, name) for each in same], "fpr") for same in clean]
        every = [_screen(each, name) for same in columns for each in same]
        poisoned = [_screen(each, name) for same in attacks for each in same]
        word = "exploratory" if any(each and (each.value or 0) > _MOST_FPR for each in rates) else ""
        costs = (_least_left(every), _innocent(poisoned), _mean_s(every))
        lines.append(_line([title, *map(interval, rates), *costs, word]))
    return lines


def _together(columns: Sequence[Sequence[Kept]]) -> str:
    """Return what all screens together take of one set, as a sentence."""
    every = [each for same in columns for each in same]
    took = statistics.mean(each["screen_cpu_s"] for each in every)
    asked = [each["features_cpu_s"] for each in every if each["features_cpu_s"] is not None]
    features = f", of these {statistics.mean(asked):.0f} for the features," if asked else ""
    held = max(each["screen_mb"] for each in every)
    return (
        f"All screens of one set together take {took:.0f} CPU-seconds{features} and hold at most {held:,} MB."
    )


def _least_left(numbers: Sequence[Kept]) -> str:
    """Return the smallest share of clean rows of a class that a screen left on any set, in percent."""
    shares = [each["least_left"]["successes"] / each["least_left"]["total"] for each in numbers]
    return f"{100 * min(shares):.1f}"


def _innocent(numbers: Sequence[Kept]) -> str:
    """Return of what a screen takes out the share that was no poison, in percent, the median over sets."""
    shares = [each["fpr"]["successes"] / each["flagged"] for each in numbers if each["flagged"]]
    return f"{100 * statistics.median(shares):.1f}" if shares else "–"


def _mean_s(numbers: Sequence[Kept]) -> str:
    took = [each["cpu_s"] for each in numbers if each["cpu_s"] is not None]
    return f"{statistics.mean(took):.1f}" if took else "–"


def _screen(column: Kept, name: str) -> Kept:
    found: Kept = next(each for each in column["screens"] if each["name"] == name)
    return found


def _over(seeds: Sequence[Kept], key: str) -> Rate | None:
    """Return a rate over all seeds; None where none has it."""
    found: list[Counts] = [each[key] for each in seeds if each[key] is not None]
    if not found:
        return None
    return rate(sum(each["successes"] for each in found), sum(each["total"] for each in found))


def _percent(found: Rate | None) -> str:
    return "–" if found is None or found.value is None else f"{100 * found.value:.1f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


SCREENS = {
    each.name: each
    for each in (
        ScreenTable(
            "screens_fashion",
            "every screen against attacks on photographs of clothes, seed by seed",
            "screens-fashion.toml",
            10000,
        ),
        ScreenTable(
            "screens_mnist",
            "every screen against attacks on MNIST, seed by seed",
            "screens-mnist.toml",
            20000,
            "mnist",
        ),
        ScreenTable(
            "screens_cifar10",
            "every screen against attacks on CIFAR-10, seed by seed",
            "screens-cifar10.toml",
            60000,
            "cifar10",
            "rutan-boomerang",
        ),
    )
}
