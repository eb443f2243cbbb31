"""The attacks by kind, one file each; how to write one stands in `processing.attacks.common.base.Attack`.

Importing this takes neither TensorFlow nor ART, and no attack: each is imported when it is asked for.
"""

from __future__ import annotations

from boomerang.kinds import Kinds
from processing.attacks.common.base import Attack

ATTACKS = Kinds(__name__, Attack, "attack")
