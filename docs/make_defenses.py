"""Write docs/defenses.md from the defenses themselves, so that it says what they do.

python docs/make_defenses.py
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from pipelines.catalogue.defense_page import defense_page  # noqa: E402  the project need not be installed

if __name__ == "__main__":
    (ROOT / "docs" / "defenses.md").write_text(defense_page())
