"""Manifests written anew: whole, and of another folder."""

from __future__ import annotations

import json

from boomerang.manifest import Manifest, as_text


def changed(text: bytes, **changes: object) -> bytes:
    """Return a manifest's text with some of it changed, as one who knows how it is written would write it."""
    content = json.loads(text)
    del content["digest"]
    return as_text(Manifest.model_validate(content | changes))
