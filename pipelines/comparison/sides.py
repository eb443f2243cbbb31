"""The two folders that are compared: told apart, read, and held against what was recorded."""

from __future__ import annotations

from pathlib import Path

from boomerang.errors import BadInput, IntegrityError, UsageError
from boomerang.formats.evaluation import KIND as EVALUATION
from boomerang.safeio import display_name, load_json
from pipelines.campaign.entry import EVALUATE
from pipelines.matrix.document import MATRIX, Matrix, read_matrix
from pipelines.report.run_folder import Run, read_evaluation
from pipelines.runs.held import Digests, hold_file, hold_output
from pipelines.runs.records import CONFIG, EXECUTION, check_record, load_execution

_DO = "give two runs, for example runs/ONE runs/OTHER, or the folders of two campaigns"


def are_runs(first: Path, second: Path) -> bool:
    """Whether two folders are runs; else they are campaigns.

    Raises
    ------
    BadInput
        If one is neither.
    UsageError
        If one is a run and the other a campaign, or they are the same folder.
    """
    kinds = [_kind(folder) for folder in (first, second)]
    if first.resolve() == second.resolve():
        raise UsageError(f"{second}", f"it is the same {kinds[1]} as the first", _DO)
    if kinds[0] != kinds[1]:
        what = f"{first} is a {kinds[0]}, and {second} a {kinds[1]}"
        raise UsageError(what, "only two of a kind can be held against each other", _DO)
    return kinds[0] == "run"


def _kind(folder: Path) -> str:
    if not folder.is_dir():
        raise BadInput(f"{folder}", "there is no such folder", _DO)
    found = [kind for kind, file in (("run", EXECUTION), ("campaign", MATRIX)) if (folder / file).is_file()]
    if not found:
        why = f"it is neither a run's folder nor a campaign's: it has no {EXECUTION} and no {MATRIX}"
        raise BadInput(f"{folder}", why, _DO)
    return found[0]


def labels(first: Path, second: Path) -> tuple[str, str]:
    """Return how two folders are called: by their names, which may be the same in two places."""
    names = first.resolve().name, second.resolve().name
    return names if names[0] != names[1] else (f"{names[0]} (first)", f"{names[1]} (second)")


def open_run(folder: Path, digests: Digests) -> Run:
    """Read a run as far as it got, whatever version of Boomerang has run it.

    Raises
    ------
    BadInput, ConfigError
        If a file is missing that every run leaves, or one is malformed.
    IntegrityError
        If the record, the settings or the evaluation are not as they were recorded, or the gate's verdict
        is another than the branch that the run took.
    """
    if wrong := check_record(folder):
        raise _changed(folder / EXECUTION, wrong)
    execution = load_execution(folder)
    config = load_json(folder / CONFIG)
    if not isinstance(config, dict):
        raise BadInput(f"{folder / CONFIG}", "it is no table", "run again")
    problems = [*hold_file(folder, CONFIG, execution.files.get(CONFIG, {}), digests)]
    if execution.has(EVALUATE, EVALUATION):
        problems += hold_output(folder, execution.step(EVALUATE).outputs[EVALUATION], digests)
    if problems:
        raise _changed(problems[0].path, problems[0].what)
    evaluation = read_evaluation(execution)
    return Run(execution=execution, config=config, definition_digest=None, evaluation=evaluation)


def _changed(file: Path, what: str) -> IntegrityError:
    return IntegrityError(f"{file}", what, "restore it, or run again: nothing is compared with it")


def open_campaign(folder: Path) -> Matrix:
    """Read the matrix of a campaign; raises BadInput or ConfigError if it is malformed."""
    matrix = read_matrix(folder / MATRIX)
    for cell in matrix.cells:
        for key, number in cell.numbers.items():
            if number.total is not None and not 0 <= (number.successes or 0) <= number.total:
                why = f"{key} of {cell.row}, {cell.column} counts {number.successes} of {number.total}"
                raise BadInput(f"{folder / MATRIX}", display_name(why), "make the matrix again")
    return matrix
