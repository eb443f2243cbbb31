"""The sources of data: one file each, named as its kind.

May import numpy, pillow, `boomerang` and what resizes pictures; TensorFlow only to download.
"""

from __future__ import annotations

from boomerang.errors import ConfigError, nearest
from boomerang.kinds import Kinds
from boomerang.settings import DataConfig
from processing.datasets.common.base import Source

__all__ = ["SOURCES", "check_source"]

SOURCES = Kinds(__name__, Source, "data source")


def check_source(config: DataConfig) -> Source:
    """Return the source that a config's section `[data]` describes, all of the section checked.

    Raises
    ------
    ConfigError
        If there is no such source, a key is unknown (each with the nearest known one) or wrong, or the source
        needs a path and has none.
    """
    if config.source not in SOURCES:
        why = f"there is no source '{config.source}'"
        raise ConfigError("'data.source'", why, nearest(config.source, SOURCES))
    known = {*DataConfig.model_fields, *SOURCES[config.source].model_fields} - {"kind"}
    unknown = next((key for key in config.model_extra or {} if key not in known), None)
    if unknown is not None:
        raise ConfigError(f"unknown key 'data.{unknown}'", nearest(unknown, known))
    source = SOURCES.create(config.spec, where="data")
    if source.needs_path and not config.path:
        why = f"source '{config.source}' needs a path"
        raise ConfigError("'data.path'", why, "name the file or folder that it reads")
    return source
