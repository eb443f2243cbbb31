"""What the steps read from the user's disk, each thing under a name made from its content.

SageMaker's step caching looks at addresses and never at what lies there. An address that holds the
content's digest makes the two the same: the address changes if and only if the content does, and no
path of the user's machine gets into a definition.

The digest is that of the folder that a job finds (`boomerang.digest.digest_tree`). The definition tells it to
the job, which holds what it finds against it: see `boomerang.contract`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from boomerang.config import Strict, as_hyperparameters
from boomerang.contract import CONFIG_FILE
from boomerang.digest import canonical_json, digest_names, sha256_bytes, sha256_file, tree_names
from boomerang.errors import ConfigError
from boomerang.settings import TrainSettings
from pipelines.campaign.entry import step_settings, used_triggers
from pipelines.campaign.sections import Config
from pipelines.campaign.site import Site
from processing.datasets.common.foreign.companions import COMPANIONS


@dataclass(frozen=True)
class Inputs:
    """The addresses of everything staged, and what belongs there.

    Attributes
    ----------
    configs : mapping of step name to address
        Of the processing steps: each a prefix that holds `config.json`.
    hyperparameters : mapping of step name to mapping of str to str
        Of the training steps.
    pictures, source, triggers, given : str or None
        Prefixes: one folder a picture set; the data file or folder; the trigger images that the recipe uses;
        the given model, apart from the others, for trainings may read it and nothing else that was staged.
    staged : mapping of address to Path or bytes
        What a runner has to put where; a Path is a file or a whole folder.
    """

    configs: Mapping[str, str]
    hyperparameters: Mapping[str, Mapping[str, str]]
    pictures: str | None
    source: str | None
    triggers: str | None
    given: str | None
    staged: Mapping[str, Path | bytes]

    def digest(self, address: object) -> str | None:
        """Return the digest of what is staged at an address, or None for any other thing."""
        known = {*self.configs.values(), self.pictures, self.source, self.triggers, self.given}
        known -= {None}
        return address.rpartition("/")[2] if isinstance(address, str) and address in known else None


def stage(config: Config, site: Site) -> Inputs:
    """Address everything that the steps of a config read from this machine.

    Raises
    ------
    ConfigError
        If a path of the config does not exist.
    """
    staged: dict[str, Path | bytes] = {}
    settings = step_settings(config)
    trained = {step: each for step, each in settings.items() if isinstance(each, TrainSettings)}
    configs = {step: _config(site, each, staged) for step, each in settings.items() if step not in trained}
    sets = {entry.name: Path(entry.path) for entry in config.pictures}
    triggers = {file.name: file for file in used_triggers(config)}
    return Inputs(
        configs=configs,
        hyperparameters={step: as_hyperparameters(each) for step, each in trained.items()},
        pictures=_group(site, sets, staged) if sets else None,
        source=_source(site, Path(config.data.path), staged) if config.data.path else None,
        triggers=_group(site, triggers, staged) if triggers else None,
        given=_given(site, Path(config.given.path), staged) if config.given.path else None,
        staged=staged,
    )


def _config(site: Site, settings: Strict, staged: dict[str, Path | bytes]) -> str:
    """Address the settings of a processing step."""
    content = canonical_json(settings.model_dump(mode="json"))
    uri = _address(site, {CONFIG_FILE: sha256_bytes(content)})
    staged[f"{uri}/{CONFIG_FILE}"] = content
    return uri


def _group(site: Site, parts: Mapping[str, Path], staged: dict[str, Path | bytes]) -> str:
    """Address several files or folders as one prefix, each below it under its own name."""
    uri = _address(site, {key: digest for name, path in parts.items() for key, digest in _names(path, name)})
    staged.update({f"{uri}/{name}": path for name, path in parts.items()})
    return uri


def _given(site: Site, path: Path, staged: dict[str, Path | bytes]) -> str:
    """Address a model file inside a folder of its own."""
    uri = f"{site.root}/inputs/given/{digest_names({path.name: sha256_file(path)})}"
    staged[f"{uri}/{path.name}"] = path
    return uri


def _source(site: Site, path: Path, staged: dict[str, Path | bytes]) -> str:
    """Address a data file, and what belongs to it, inside a folder of its own, or a data folder as it is."""
    if path.is_file():
        companions = {name: path.parent / name for name in COMPANIONS if (path.parent / name).is_file()}
        return _group(site, {path.name: path, **companions}, staged)
    uri = _address(site, dict(_names(path)))
    staged[uri] = path
    return uri


def _address(site: Site, names: Mapping[str, str]) -> str:
    """Return where files of these names and digests lie."""
    return f"{site.root}/inputs/{digest_names(names)}"


def _names(path: Path, above: str = "") -> Iterator[tuple[str, str]]:
    """Yield name and digest of a file, or of each file below a folder, as a job finds them."""
    if not path.exists():
        raise ConfigError(f"{path}", "there is no such file or folder", "correct the path in the config")
    if path.is_file():
        yield above, sha256_file(path)
        return
    for name, digest in tree_names(path).items():
        yield f"{above}/{name}" if above else name, digest
