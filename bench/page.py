"""What is written from the results: the tables of two documents, and what attacks reach."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from bench.contest import ROOT
from bench.results import RESULTS, Reached, Result, load
from bench.rows import ROWS
from bench.staged.attacks import TABLES, figures
from bench.staged.campaigns import CAMPAIGNS, table
from bench.staged.certificates import CERTIFIED
from bench.staged.combination import COMBINATION
from bench.staged.growth import GROWTH, Growth
from bench.staged.inspected import INSPECTED
from bench.staged.matrices import MATRICES
from bench.staged.repairs import REPAIRS
from bench.staged.screens import SCREENS
from bench.staged.svm_screens import SVM_SCREENS
from bench.staged.trials import TRIALS, Trials
from pipelines.catalogue.expected import MEASURED

BENCHMARKS, CAMPAIGN_RESULTS = ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "results.md"

# Parts of docs/benchmarks.md that are no contest.
PARTS: dict[str, Growth | Trials] = {GROWTH.name: GROWTH, TRIALS.name: TRIALS}

_HEAD = """# What it costs, beside what people would use instead

Rendered from `bench/results` by `python -m bench render`; a test holds it to them. `python -m bench` lists
what can be measured, `python -m bench NAME` measures it and writes its result. Each contender runs in a
process of its own, and they take turns. Numbers are medians with least and most. CPU-seconds are those of the
whole process with its threads; memory is the peak of the first call above what the process held before it,
which had imported and made its input. A goal that was not reached says so.
"""


def pages(folder: Path = RESULTS) -> dict[Path, str]:
    """Return what each page must say, and what the catalogue of attacks reads."""
    measured = json.dumps(figures([*TABLES.values()], folder), indent=1) + "\n"
    return {
        BENCHMARKS: benchmarks(folder),
        CAMPAIGN_RESULTS: campaign_results(folder),
        MEASURED: measured,
    }


def write() -> None:
    """Write the pages."""
    for path, text in pages().items():
        path.write_text(text)


def benchmarks(folder: Path = RESULTS) -> str:
    """Return docs/benchmarks.md."""
    results = [result for name in ROWS if (result := load(name, folder))]
    missing = [name for name in (*ROWS, *PARTS) if not (folder / f"{name}.json").exists()]
    goals = {result.name: result.goals for result in results} | {
        name: tuple(part.goals(folder)) for name, part in PARTS.items()
    }
    lines = [_HEAD, *summary(goals)]
    if missing:
        lines.append(f"Not measured yet: {', '.join(f'`{name}`' for name in missing)}.\n")
    lines += machines(results)
    for result in results:
        lines += ["", f"## {result.name}", "", *told(result), *calls(result)]
    for name in (name for name in PARTS if name not in missing):
        lines += ["", f"## {name}", "", *PARTS[name].part(folder)]
    return "\n".join(lines) + "\n"


def summary(goals: Mapping[str, Sequence[Reached]]) -> list[str]:
    """Return the table of all goals, by the row that they are of."""
    if not any(goals.values()):
        return []
    lines = ["| row | what was to be reached | goal | measured | |", "| --- | --- | --- | --- | --- |"]
    for name, those in goals.items():
        for goal in those:
            cells = goal.words, _limit(goal), _number(goal.number, goal.unit), _word(goal)
            lines.append(f"| [{name}](#{name}) | {' | '.join(cells)} |")
    return [*lines, ""]


def machines(results: Iterable[Result]) -> list[str]:
    """Return what was measured on, one line a machine."""
    found: dict[str, list[str]] = {}
    for result in results:
        found.setdefault(_machine(result), []).append(result.name)
    if len(found) == 1:
        return [f"Measured on {next(iter(found))}."]
    return [f"{', '.join(names)}: measured on {words}." for words, names in found.items()]


def _machine(result: Result) -> str:
    told = result.machine
    has = f" with {', '.join(told['instructions'])}" if told["instructions"] else ""
    cores = f"{told['cores']} cores{has}, {told['memory_gb']} GB"
    return f"{told['processor']}, {cores}, {told['system']}, Python {told['python']}"


def told(result: Result) -> list[str]:
    """Return a row's own part: the numbers and the goals."""
    packages = ", ".join(f"{name} {version}" for name, version in result.packages.items())
    lines = [f"{_upper(result.operation)}. {result.notes}".strip(), "", *_contenders(result), ""]
    for goal in result.goals:
        said = f"{goal.words}: {_number(goal.number, goal.unit)}"
        lines.append(f"- {said}; the goal is {_limit(goal)}: {_word(goal)}")
    if result.same:
        lines.append(f"- held to return the same: {', '.join(result.same)}")
    busy = f"{100 * result.machine['busy']:.0f}% of all cores were in use meanwhile"
    return [*lines, "", f"`{result.command}`, {packages or 'nothing else'}; seed {result.seed}; {busy}."]


def calls(result: Result) -> list[str]:
    """Return what each contender calls; contenders with the same call share it."""
    names: dict[str, list[str]] = {}
    for part in result.contenders:
        names.setdefault(part.call, []).append(part.name)
    lines: list[str] = []
    for call, those in names.items():
        lines += ["", *([f"{', '.join(those)}: {call}"] if "\n" not in call else _block(those, call))]
    return lines


def _contenders(result: Result) -> list[str]:
    lines = ["| | CPU-seconds | seconds | MB | |", "| --- | --- | --- | --- | --- |"]
    for part in result.contenders:
        memory = "–" if part.memory_mb is None else _figures(part.memory_mb)
        facts = ", ".join(
            f"{name.replace('_', ' ')} {value}"
            for name, value in part.facts.items()
            if not isinstance(value, list)
        )
        lines.append(
            f"| {part.name} | {_spread(part.cpu_s)} | {_spread(part.seconds)} | {memory} | {facts} |"
        )
    return lines


def _spread(numbers: dict[str, float]) -> str:
    middle = _figures(numbers["median"])
    if numbers["runs"] == 1:
        return middle
    return f"{middle} ({_figures(numbers['least'])}–{_figures(numbers['most'])}, {numbers['runs']:.0f} runs)"


def _block(names: list[str], call: str) -> list[str]:
    return [f"{', '.join(names)}:", "", "```python", call, "```"]


def _limit(goal: Reached) -> str:
    if goal.least is not None:
        return f"at least {_number(goal.least, goal.unit)}"
    return f"at most {_number(goal.most or 0.0, goal.unit)}"


def _word(goal: Reached) -> str:
    return "reached" if goal.reached else "**missed**"


def _number(number: float, unit: str) -> str:
    return f"{_figures(number)}{'%' if unit == '%' else f' {unit}'.rstrip()}"


def _figures(number: float) -> str:
    """Return a number with three figures, or all of its whole ones.

    >>> [_figures(n) for n in (1234.6, 0.012345, 12.0)]
    ['1,235', '0.0123', '12']
    """
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{float(f'{number:.3g}'):g}"


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


# ---- docs/results.md


def campaign_results(folder: Path = RESULTS) -> str:
    """Return docs/results.md with the tables between its marks rendered anew."""
    tables: dict[str, Callable[[], list[str]]] = {
        **{name: partial(table, [CAMPAIGNS[name]], folder) for name in ("bundled", "bundled_retrained")},
        "real": lambda: table(
            [CAMPAIGNS[each] for each in ("fashion", "real_mnist", "real_cifar10")], folder
        ),
        **{
            name: partial(each.table, folder)
            for name, each in {**MATRICES, **TABLES, **SCREENS, **REPAIRS}.items()
        },
        SVM_SCREENS.name: partial(SVM_SCREENS.table, folder),
        COMBINATION.name: partial(COMBINATION.table, folder),
        CERTIFIED.name: partial(CERTIFIED.table, folder),
        INSPECTED.name: partial(INSPECTED.table, folder),
        "laboratory": partial(INSPECTED.laboratory, folder),
    }

    def rendered(found: re.Match[str]) -> str:
        return "\n".join([found[1], *tables[found[2]](), found[3]])

    mark = re.compile(r"(<!-- bench: (\w+) -->)\n.*?(<!-- /bench -->)", re.S)
    return mark.sub(rendered, CAMPAIGN_RESULTS.read_text())
