"""The signatures of a run, verified offline with a public key: of each thing, and of how they hang together."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from boomerang.errors import BadInput, IntegrityError
from boomerang.signing import SIGNATURE, PublicKey, Statement, trace, verify_signed
from pipelines.records import Execution, OutputRecord, StepRecord, load_execution
from pipelines.storage import link_file

MODEL = "model"


@dataclass(frozen=True)
class Signed:
    """What the signatures of a run say.

    Attributes
    ----------
    statements : tuple of Statement
        Of everything that was signed, in the order of the run.
    lineages : mapping of model name to tuple of Statement
        Of each model: itself and all that it came from, back to what came from outside.
    """

    statements: tuple[Statement, ...]
    lineages: dict[str, tuple[Statement, ...]]


def verify_signatures(run_dir: Path, keys: Sequence[PublicKey]) -> Signed:
    """Hold everything that a run has signed against its signature, and follow each model to its origin.

    Parameters
    ----------
    run_dir : Path
    keys : sequence of PublicKey
        Those that are trusted. No network is needed, and no other file than the run's.

    Raises
    ------
    BadInput
        If it is no run's folder, or nothing in it was signed.
    IntegrityError
        If something is not, to the byte, what was signed with one of the keys, or a model's lineage has
        a gap.
    """
    execution = load_execution(run_dir)
    statements = tuple(_verified(execution, keys))
    if not statements:
        do = "run it with --sign KEY.pem, or leave out --key"
        raise BadInput(f"run {execution.run_id}", "nothing in it was signed", do)
    models = {each.name: each for each in statements if each.kind == MODEL}
    lineages = {name: trace(model, statements) for name, model in models.items()}
    return Signed(statements, lineages)


def _verified(execution: Execution, keys: Sequence[PublicKey]) -> Iterator[Statement]:
    for step in execution.steps:
        for name, output in step.outputs.items():
            signatures = [file for file in output.files if PurePosixPath(file).name == SIGNATURE]
            if signatures and len(signatures) == len(output.files):
                source = _source(execution, step, name)
                for file in signatures:
                    path = execution.run_dir / output.path / file
                    yield _hold(source / PurePosixPath(file).parent, path, keys, execution.run_dir)


def _source(execution: Execution, step: StepRecord, name: str) -> Path:
    """Return what a signing step was given under a name."""
    uri = step.inputs.get(name, {}).get("uri", "")
    made = (output for other in execution.steps for output in other.outputs.values())
    found: OutputRecord | None = next((output for output in made if output.uri == uri), None)
    if found is None:
        raise IntegrityError(f"{step.name}: '{name}'", "the run does not say what was signed", "run it again")
    return execution.run_dir / found.path


def _hold(source: Path, signature: Path, keys: Sequence[PublicKey], run_dir: Path) -> Statement:
    """Hold a folder, or a packed model alone, against its signature."""
    if source.is_dir():
        return verify_signed(source, keys, signature=signature)
    # A model lies beside other files of its job, which were not signed with it.
    with tempfile.TemporaryDirectory(dir=run_dir, prefix=".verify.") as scratch:
        link_file(source, Path(scratch) / source.name)
        return verify_signed(Path(scratch), keys, kind=MODEL, signature=signature)
