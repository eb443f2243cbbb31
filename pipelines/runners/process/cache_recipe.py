"""What a job's key in the cache is made from: the job itself, what it reads, and the code it runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from boomerang.contract import CONFIG_CHANNEL, CONFIG_FILE
from boomerang.digest import digest_json
from boomerang.errors import BadInput
from pipelines.language.job_plan import Plan
from pipelines.runners.process.code import Code, code_of
from pipelines.runs.cache import Recipe
from pipelines.runs.storage import Store

_CONFIG = f"processing/input/{CONFIG_CHANNEL}"


def recipe(job: Plan, store: Store, code: Code) -> Recipe:
    """Return the recipe of a job whose inputs are in the store (or known to it)."""
    return Recipe(
        step=job.step,
        kind="Training" if job.training else "Processing",
        command=job.command,
        settings={
            "environment": dict(job.environment),
            "hyperparameters": dict(job.hyperparameters),
            "hosts": job.hosts,
        },
        inputs={source.name: _input(source.local, store, source.uri) for source in job.sources},
        outputs={target.name: target.local for target in job.targets},
        code=code.files,
        versions=code.versions,
    )


def _input(local: str, store: Store, uri: str) -> str:
    """Return what the job sees of an input: which folder, which names, which bytes."""
    files = {name: entry.sha256 for name, entry in store.files(uri).items()}
    return f"{local}: {digest_json(files)}"


def code_of_job(job: Plan, store: Store, project: Path) -> Code:
    """Return the code that a job runs: of what is found by its kind, what its settings mention."""
    return code_of(job.module, project, mentioned(job, store))


def mentioned(job: Plan, store: Store) -> frozenset[str] | None:
    """Return every text in the settings of a job, or None where they cannot be read.

    A training job finds its settings in its hyperparameters, a processing job in its input `config`; one
    without that input has none.
    """
    if job.training:
        return frozenset(texts({name: _decoded(text) for name, text in job.hyperparameters.items()}))
    addresses = [source.uri.rstrip("/") for source in job.sources if source.local == _CONFIG]
    try:
        return frozenset(texts([json.loads(_config(store, address)) for address in addresses]))
    except (BadInput, ValueError, RecursionError):
        return None


def _config(store: Store, address: str) -> bytes:
    return store.read(address if address in store.objects else f"{address}/{CONFIG_FILE}")


def _decoded(text: str) -> Any:
    """Return what a hyperparameter says: JSON, or a bare word."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def texts(value: Any) -> Iterator[str]:
    """Yield every text in a JSON value, keys too: more code in a key is safe, less is not."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from texts(item)
