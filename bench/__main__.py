"""`python -m bench`: see the package's docstring."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import bench
from bench import page
from bench.harness import Options, measure
from bench.results import RESULTS, save
from bench.rows import ROWS
from bench.staged.attacks import TABLES
from bench.staged.by_seed import BySeed
from bench.staged.campaigns import CAMPAIGNS, Campaign
from bench.staged.certificates import CERTIFIED, CertifiedVotes
from bench.staged.combination import COMBINATION, Combinations
from bench.staged.growth import GROWTH, Growth
from bench.staged.inspected import INSPECTED
from bench.staged.matrices import MATRICES, Matrices
from bench.staged.repairs import REPAIRS
from bench.staged.screens import SCREENS
from bench.staged.svm_screens import SVM_SCREENS, SvmScreens
from bench.staged.trials import TRIALS, Trials
from boomerang.errors import BoomerangError, UsageError, nearest

# What is measured seed by seed.
BY_SEED: dict[str, BySeed | SvmScreens] = {
    **TABLES,
    **SCREENS,
    **REPAIRS,
    INSPECTED.name: INSPECTED,
    SVM_SCREENS.name: SVM_SCREENS,
}
# What stages whole campaigns, and takes as long as they do.
STAGED: dict[str, Campaign | Growth | Trials | Matrices | SvmScreens | Combinations | CertifiedVotes] = {
    **CAMPAIGNS,
    **MATRICES,
    **BY_SEED,
    COMBINATION.name: COMBINATION,
    CERTIFIED.name: CERTIFIED,
    GROWTH.name: GROWTH,
    TRIALS.name: TRIALS,
}


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    raw = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser(prog="python -m bench", description=bench.__doc__, formatter_class=raw)
    top.add_argument("names", nargs="*", metavar="NAME", help="what to measure; `render` writes the pages")
    top.add_argument("--seed", type=int, default=0)
    top.add_argument(
        "--seeds", type=int, nargs="+", default=[], help="of what is measured seed by seed these alone"
    )
    top.add_argument("--out", type=Path, default=RESULTS, help="where the results go (%(default)s)")
    top.add_argument("--quick", action="store_true", help="tiny sizes, once, for a look; needs --out")
    top.add_argument(
        "--inline", action="store_true", help="all in this process: faster, its memory is nobody's"
    )
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is named, or list what there is."""
    given = parser().parse_args(arguments)
    try:
        if not given.names:
            print(listed())
        _check(given)
        for name in given.names:
            _act(name, given)
    except BoomerangError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _check(given: argparse.Namespace) -> None:
    known = [*ROWS, *STAGED, "render"]
    for name in given.names:
        if name not in known:
            raise UsageError(f"'{name}' cannot be measured", "there is no such row", nearest(name, known))
        if given.seeds and name not in BY_SEED:
            raise UsageError("--seeds", f"{name} is not measured seed by seed", "leave it out")
        if given.quick and name in STAGED:
            raise UsageError("--quick", f"{name} stages campaigns, which have one size", "leave it out")
    if given.quick and given.out == RESULTS and given.names:
        raise UsageError("--quick", "its numbers say nothing and would be committed", "give --out as well")


def _act(name: str, given: argparse.Namespace) -> None:
    if name == "render":
        page.write()
    elif name in BY_SEED:
        BY_SEED[name].measure(given.out, seeds=given.seeds)
    elif name in STAGED:
        STAGED[name].measure(given.out)
    else:
        options = Options(quick=given.quick, inline=given.inline, seed=given.seed)
        result = measure(ROWS[name], options)
        save(result, given.out)
        print("\n".join(page.told(result)))


def listed() -> str:
    """Return every name with what it measures and about how many CPU-seconds that takes."""
    lines = [f"{row.name:22} {row.cpu_s:6,} CPU-s  {row.operation}" for row in ROWS.values()]
    lines += [f"{each.name:22} {each.cpu_s:6,} CPU-s  {each.words}" for each in STAGED.values()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
