"""The paths of an entry, made absolute: one in its file counts from there, one of an override from here."""

from __future__ import annotations

import json
from pathlib import Path

from boomerang.errors import ConfigError
from pipelines.campaign.row_files import load_rows
from pipelines.campaign.sections import Config

_LONGEST_SHOWN = 100
_S3 = "s3://"


def from_here(override: str) -> str:
    """Make a path on the command line count from the working directory, as paths there do."""
    key, equals, text = override.partition("=")
    remote = text.strip().strip("\"'").startswith(_S3)
    if equals and key.rpartition(".")[2] == "path" and not remote:
        path = _absolute(text.strip().strip("\"'"), Path.cwd(), key)
        return f"{key}={json.dumps(path)}"
    return override


def _absolute(path: str, base: Path, key: str) -> str:
    """Return a path as an absolute one; raises ConfigError where no file can have it."""
    why, do = "", "correct the path"
    try:
        absolute = str((base / Path(path).expanduser()).resolve())
        Path(absolute).exists()
        absolute.encode()
    except RuntimeError:  # expanduser's, of a user that there is not
        why, do = "there is no such user", "write out the folder of that user"
    except UnicodeEncodeError:
        why, do = "it is not UTF-8", "rename what it leads to"
    except ValueError:  # a NUL
        why = "that can be no path"
    except OSError as error:
        why = error.strerror or str(error)
    if why:
        raise ConfigError(f"'{key}'", f"{cut(path)}: {why}", do)
    return absolute


def cut(text: str) -> str:
    """Return a text of the user's, shortened if it is long."""
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def with_paths(config: Config, base: Path) -> Config:
    """Return the config with every path absolute, and with the rows themselves where an attack names a file.

    Raises
    ------
    ConfigError
        If a path does not exist.
    BadInput
        If a file of rows cannot be read.
    """
    pictures = tuple(
        entry.model_copy(update={"path": existing(entry.path, base, f"pictures.{index}.path")})
        for index, entry in enumerate(config.pictures)
    )
    path = existing(config.data.path, base, "data.path") if config.data.path else ""
    data = config.data.model_copy(update={"path": path})
    model = existing(config.given.path, base, "given.path") if config.given.path else ""
    given = config.given.model_copy(update={"path": model})
    return _with_rows(config.model_copy(update={"pictures": pictures, "data": data, "given": given}), base)


def _with_rows(config: Config, base: Path) -> Config:
    """Return the config with the rows themselves where an attack names a file of them."""
    attacks = []
    for number, spec in enumerate(config.attacks):
        named = (spec.model_extra or {}).get("rows")
        file = existing(named, base, f"attacks.{number}.rows") if isinstance(named, str) else ""
        attacks.append(spec.model_copy(update={"rows": load_rows(Path(file))}) if file else spec)
    return config.model_copy(update={"attacks": tuple(attacks)})


def existing(path: str, base: Path, key: str) -> str:
    """Return a path of a base as an absolute one; raises ConfigError, naming the key, if nothing is there.

    What an `s3://` address names is brought here first (`aws.fetched`).
    """
    if path.startswith(_S3):
        from aws.fetched import fetched  # what draws a definition asks nobody else

        return str(fetched(path))
    absolute = _absolute(path, base, key)
    if not Path(absolute).exists():
        raise ConfigError(f"'{key}'", f"{absolute} does not exist", "correct the path, or put the data there")
    return absolute
