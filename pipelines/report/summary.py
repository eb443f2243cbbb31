"""The numbers of a run on the terminal, taken from its `metrics.json`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from boomerang.config import validate
from boomerang.gate import advice
from boomerang.metrics import AttackNumbers, Metrics, ModelNumbers
from boomerang.safeio import display_name, load_json
from boomerang.scoring import Rate, rate
from pipelines.page.gate_table import reasons
from pipelines.page.terminal import open_console
from pipelines.page.wording import percent
from pipelines.runs.records import Execution
from pipelines.runs.step_notices import notices_of

_NOT_MEASURED = "not measured"


def show_summary(metrics_file: Path, page: Path) -> None:
    """Print the models' numbers, the verdict with its reasons, and where the report is."""
    metrics = validate(Metrics, load_json(metrics_file), where=metrics_file.name)
    console = open_console()
    console.print(summary_table(metrics))
    candidate = metrics.candidate
    if not metrics.models[candidate].verdict.passed:
        why = "; ".join(reasons(metrics.models[candidate]))
        console.print(f"[bold red]The gate rejected the {candidate} model:[/] {escape(why)}")
        for line in advice(metrics.verdict):
            console.print(f"  to do: {escape(line)}")
    else:
        console.print(
            f"[bold green]The gate passed the {candidate} model;[/] it waits for a person's approval."
        )
    console.print(f"report: {page}", soft_wrap=True, markup=False)


def show_notices(execution: Execution) -> None:
    """Print what the steps of a run left out and warned of; nothing where there is nothing."""
    console = open_console()
    for said in notices_of(execution):
        word = "warns" if said.kind == "warning" else said.kind
        console.print(f"[yellow]{escape(said.step)} {word}:[/] ", end="", soft_wrap=True)
        console.print(display_name(said.text), markup=False, soft_wrap=True)


def summary_table(metrics: Metrics) -> Table:
    """Return one column a model, one row a number; a rate with its 95% interval."""
    table = Table(title=f"{escape(metrics.data.name)}, seed {metrics.seed}", title_justify="left")
    table.add_column("", no_wrap=True)
    for name in metrics.models:
        table.add_column(name, justify="right")
    models = list(metrics.models.values())
    table.add_row("clean accuracy", *(say_rate(model.clean_accuracy) for model in models))
    for row, attack in enumerate(models[0].attacks):
        table.add_row(*_attack_row(attack, row, models))
    if any(model.refuses for model in models):
        for name, refused in _refused(models):
            table.add_row(name, *refused)
    table.add_row("canaries right", *(_say_count(model.canaries.right) for model in models))
    table.add_row("gate", *(_say_verdict(model) for model in models))
    return table


def _refused(models: list[ModelNumbers]) -> Iterator[tuple[str, list[str]]]:
    """Give how many clean rows each model refuses, and of each attack; nothing of one that refuses none."""

    def said(model: ModelNumbers, count: int, of: Rate | None) -> str:
        return say_rate(rate(count, of.total)) if model.refuses and of else ""

    yield "clean rows refused", [said(m, m.unanswered, m.clean_accuracy) for m in models]
    for row, attack in enumerate(models[0].attacks):
        if attack.outcome != "untargeted":
            each = [(m, m.attacks[row]) for m in models]
            yield f"refused of {attack.name}", [said(m, a.refused, a.asr) for m, a in each]


def _attack_row(attack: AttackNumbers, row: int, models: list[ModelNumbers]) -> list[str]:
    if attack.outcome == "untargeted":
        return [f"accuracy lost to {attack.name}", *(_say_drop(model) for model in models)]
    rates = [model.attacks[row].asr for model in models]
    return [f"ASR of {attack.name}", *(_NOT_MEASURED if r is None else say_rate(r) for r in rates)]


def say_rate(rate: Rate) -> str:
    """Return a rate with its interval in percent.

    >>> from boomerang.metrics import rate
    >>> say_rate(rate(90, 100))
    '90.0% (82.6-94.5)'
    """
    if rate.value is None or rate.low is None or rate.high is None:
        return _NOT_MEASURED
    return f"{rate.value:.1%} ({100 * rate.low:.1f}-{100 * rate.high:.1f})"


def _say_count(rate: Rate) -> str:
    return f"{rate.successes} of {rate.total}" if rate.total else "none frozen"


def _say_drop(model: ModelNumbers) -> str:
    return _NOT_MEASURED if model.accuracy_drop is None else percent(model.accuracy_drop)


def _say_verdict(model: ModelNumbers) -> str:
    return "[green]passes[/]" if model.verdict.passed else "[red]rejected[/]"
