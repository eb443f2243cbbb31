"""Write docs/attacks.md from the attacks themselves, so that it says what they do.

python docs/make_attacks.py
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from pipelines.catalogue.attack_page import attack_page  # noqa: E402  the project need not be installed

if __name__ == "__main__":
    (ROOT / "docs" / "attacks.md").write_text(attack_page())
