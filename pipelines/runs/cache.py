"""Steps that need not run again: outputs kept under the digest of everything that made them.

A key covers all that a job can see: its command and environment, the content of its inputs and where
it finds them, and the code it runs. Addresses, job names and machines are no part of it. An entry is
a folder that appears in one piece, `<key[:2]>/<key>/`, with `entry.json` and the outputs.

What is kept of Evaluate decides whether a candidate passes: an entry has a code of the user who kept it
(`pipelines.definition.user_key`), and only their own are taken.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from boomerang.digest import digest_json
from boomerang.errors import BoomerangError, UsageError
from boomerang.manifest import FileEntry
from boomerang.safeio import (
    MAX_JSON_BYTES,
    as_json,
    discard,
    in_one_piece,
    load_json,
    read_bytes,
    remove_tree,
    safe_join,
    sweep,
    write_json_atomic,
)
from pipelines.definition.user_key import made_by_user, user_code, user_key
from pipelines.runs.locking import locked
from pipelines.runs.records import now
from pipelines.runs.storage import Made, entries, link_file, seal

ENTRY = "entry.json"
_OUTPUTS = "outputs"
_PURPOSE = "cache"


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a job writes.

    Attributes
    ----------
    step, kind : str
        The step's name is no part of the key; it tells which entries are worth comparing.
    command : tuple of str
    settings : dict
        Environment, hyperparameters, number of machines.
    inputs : dict
        Content digest of each input, with the folder where the job finds it.
    outputs : dict
        The folder of each output.
    code : dict
        Digest of each source file.
    versions : dict
        Of Python and the libraries.
    """

    step: str
    kind: str
    command: tuple[str, ...]
    settings: dict[str, Any]
    inputs: dict[str, str]
    outputs: dict[str, str]
    code: dict[str, str]
    versions: dict[str, str]

    @property
    def key(self) -> str:
        """Sha256 of all but the step's name."""
        content = asdict(self)
        del content["step"]
        return digest_json(content)


@dataclass(frozen=True)
class Cost:
    """What it took to make something: seconds, CPU-seconds, and the most memory at once.

    The last two are 0 where they were not measured.
    """

    seconds: float
    cpu_seconds: float = 0.0
    peak_bytes: int = 0


@dataclass(frozen=True)
class Entry:
    """A step's outputs as an earlier run left them."""

    key: str
    run: str
    cost: Cost
    created: str
    recipe: Recipe
    made: tuple[Made, ...]

    def output(self, name: str) -> Made | None:
        """Return the output of that name, if the step left it."""
        return next((made for made in self.made if made.name == name), None)


@dataclass(frozen=True)
class Damaged:
    """An entry that is not what it was when it was made, or that this user did not keep.

    Attributes
    ----------
    key, why : str
    foreign : bool
        Nobody but the user who kept it can say whether it was changed.
    """

    key: str
    why: str
    foreign: bool = False


@dataclass(frozen=True)
class Cache:
    """The entries below one folder, which several runs may use at the same time."""

    root: Path

    def folder(self, key: str) -> Path:
        """Return the folder of an entry."""
        return self.root / key[:2] / key

    def find(self, key: str, *, drop: bool = True) -> Entry | Damaged | None:
        """Return the entry of a key with every file of it checked, or None.

        Parameters
        ----------
        key : str
        drop : bool
            Remove an entry that is damaged or another user's, and let nobody write into one that is used.
            Without, nothing is changed.
        """
        folder = self.folder(key)
        if not folder.exists():
            return None
        foreign = False
        try:
            content = load_json(folder / ENTRY)
            as_kept = read_bytes(folder / ENTRY, MAX_JSON_BYTES) == as_json(content)
            own = made_by_user(content.pop("code", ""), _PURPOSE, [key, content]) if as_kept else False
            foreign = own is None
            entry = _read(folder, content)
            damage = "its record was changed" if own is False else _damage(entry)
        except BoomerangError as error:
            damage = error.why or error.what
        except (AttributeError, KeyError, TypeError, ValueError, StopIteration) as error:
            damage = f"its record is malformed ({error!r})"
        if not (damage or foreign):
            if drop:
                for made in entry.made:
                    seal(made.path)
            return entry
        if drop:
            discard(folder)
        return Damaged(key, damage or "another user kept it", foreign=not damage)

    def keep(self, recipe: Recipe, made: Sequence[Made], *, run: str, cost: Cost) -> None:
        """Link finished outputs into a new entry; an equal one that another run made first stays.

        Where no key of this user can be kept, nothing is: it could not be told from a stranger's.
        """
        if user_key() is None:
            return
        content = {"format": 1, "run": run, "created": now(), "cost": asdict(cost), "recipe": asdict(recipe)}
        with in_one_piece(self.folder(recipe.key), replace=False) as scratch:
            for output in made:
                place = scratch / _OUTPUTS / output.name
                place.mkdir(parents=True)
                for name in output.files:
                    link_file(output.path / name if output.folder else output.path, place / name)
            content |= {"outputs": {m.name: _listing(m) for m in made}}
            code = user_code(_PURPOSE, [recipe.key, content])
            write_json_atomic(scratch / ENTRY, content | {"code": code})

    def recipe(self, key: str) -> Recipe | None:
        """Return what the entry of a key was made from, whoever kept it; None where there is no such entry.

        The key is the digest of the recipe: one that was changed is none of this key.
        """
        with suppress(BoomerangError, AttributeError, KeyError, TypeError, ValueError):
            recipe = _recipe(load_json(self.folder(key) / ENTRY)["recipe"])
            if recipe.key == key and isinstance(recipe.code, dict) and isinstance(recipe.versions, dict):
                return recipe
        return None

    def sweep(self) -> None:
        """Remove what runs that were killed left half done."""
        for folder in self.root.glob("??"):
            sweep(folder)

    @contextmanager
    def claim(self, key: str) -> Iterator[None]:
        """Hold a key while its outputs are looked for and made: of several who want them one makes them."""
        with locked(self.root / "claims" / f"{key}.lock", wait=True, what=f"the step of key {key}"):
            yield

    @contextmanager
    def checkpoints(self, key: str) -> Iterator[Path]:
        """Give the folder where a training of that key keeps its checkpoints, to this process alone.

        Another run that is training the same already has the lock: then it is a folder of its own.
        """
        folder = self.root.absolute() / "checkpoints" / key  # a job has a working directory of its own
        with ExitStack() as stack:
            try:
                stack.enter_context(locked(folder.with_suffix(".lock"), wait=False, what=f"training {key}"))
            except UsageError:
                folder = folder.with_name(f"{key}.{os.getpid()}")
                stack.callback(remove_tree, folder)
            yield folder

    def entries(self, step: str) -> Iterator[Recipe]:
        """Give the recipes of all entries of a step, the newest first."""
        found = []
        for file in self.root.glob(f"??/[!.]*/{ENTRY}"):
            with suppress(BoomerangError, KeyError, TypeError):
                content = load_json(file)
                if content["recipe"]["step"] == step:
                    found.append((content["created"], file.parent.name, _recipe(content["recipe"])))
        yield from (recipe for _, _, recipe in sorted(found, key=lambda each: each[:2], reverse=True))

    def seconds(self) -> dict[str, list[float]]:
        """Return what every entry took to make, by the name of its step."""
        found: dict[str, list[float]] = {}
        for file in self.root.glob(f"??/[!.]*/{ENTRY}"):
            with suppress(BoomerangError, KeyError, TypeError, ValueError):
                content = load_json(file)
                found.setdefault(content["recipe"]["step"], []).append(float(content["cost"]["seconds"]))
        return found

    def nearest(self, recipe: Recipe) -> str:
        """Return in words how a recipe differs from the most similar one of its step."""
        differences = [_differences(recipe, earlier) for earlier in self.entries(recipe.step)]
        if not differences:
            return "it has not run yet"
        closest = min(differences, key=len)
        return "; ".join(closest) or "its entry is damaged"


def _listing(made: Made) -> dict[str, Any]:
    return {"folder": made.folder, "files": {name: entry.model_dump() for name, entry in made.files.items()}}


def _recipe(content: Mapping[str, Any]) -> Recipe:
    return Recipe(**{**content, "command": tuple(content["command"])})


def _read(folder: Path, content: Mapping[str, Any]) -> Entry:
    made = []
    for name, listing in content["outputs"].items():
        files = {file: FileEntry(**entry) for file, entry in listing["files"].items()}
        path = safe_join(folder / _OUTPUTS, name)
        made.append(Made(name, path if listing["folder"] else safe_join(path, next(iter(files))), files))
    return Entry(
        key=folder.name,
        run=content["run"],
        cost=Cost(**content["cost"]),
        created=content["created"],
        recipe=_recipe(content["recipe"]),
        made=tuple(made),
    )


def _damage(entry: Entry) -> str:
    """Return what is wrong with an entry's files, or nothing."""
    if entry.recipe.key != entry.key:
        return "its record is another entry's"
    for made in entry.made:
        if not made.path.exists():
            return f"{made.name} is missing"
        found = entries(made.path)
        for name in sorted(found.keys() | made.files.keys()):
            if found.get(name) != made.files.get(name):
                return f"{made.name}/{name} has been changed"
    return ""


def _differences(recipe: Recipe, earlier: Recipe) -> list[str]:
    """Return what differs between two recipes of a step, one phrase each."""
    found = []
    if recipe.command != earlier.command:
        found.append("its command is another: " + " ".join(_changed_words(recipe.command, earlier.command)))
    if recipe.settings != earlier.settings:
        found.append("its environment, hyperparameters or number of machines are others")
    found += [f"input {name} has changed" for name in _changed(recipe.inputs, earlier.inputs)]
    if recipe.outputs != earlier.outputs:
        found.append("it has other outputs")
    found += [f"{name} has changed" for name in _changed(recipe.code, earlier.code)]
    found += [f"{name} is another version" for name in _changed(recipe.versions, earlier.versions)]
    return found


def _changed(now: Mapping[str, str], before: Mapping[str, str]) -> list[str]:
    return sorted(name for name in now.keys() | before.keys() if now.get(name) != before.get(name))


def _changed_words(command: Sequence[str], earlier: Sequence[str]) -> list[str]:
    return [word for i, word in enumerate(command) if i >= len(earlier) or earlier[i] != word] or ["shorter"]
