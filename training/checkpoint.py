"""Checkpoints: the whole state of a training, from which it goes on as if it had never stopped.

One file a checkpoint, `TRAINING-STEPS-SHA256.npz`: a digest of what is trained, how many steps are done,
and the digest of the content. A file that is cut off does not have the digest that its name says, one of
another training does not have the training's; neither is taken, and both stay where they are.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.digest import sha256_bytes, sha256_file
from boomerang.errors import BadInput
from boomerang.safeio import load_npz, write_bytes_atomic

_NAME = re.compile(r"([0-9a-f]{64})-([0-9]{10})-([0-9a-f]{64})\.npz")
# The newest and one in reserve, should the newest be damaged.
_KEPT = 2
_MAX_ARRAYS = 100_000


@dataclass(frozen=True)
class State:
    """Where a training is.

    Attributes
    ----------
    epoch, step : int
        Epochs that are done, and steps of the next one that are.
    values : sequence of arrays
        Every variable of model and optimizer, the sums of the epoch so far, and what is recorded of each row,
        in a fixed order.
    history : float64[epochs done, numbers an epoch]
    """

    epoch: int
    step: int
    values: Sequence[npt.NDArray[Any]]
    history: npt.NDArray[np.float64]

    def fits(self, values: Sequence[npt.NDArray[Any]]) -> bool:
        """Whether the state has arrays of the same shapes and dtypes, in the same order."""
        own = [(value.shape, value.dtype) for value in self.values]
        return own == [(value.shape, value.dtype) for value in values]


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one training in a folder, which is made when it is needed.

    Parameters
    ----------
    folder : Path
    training : str
        Sha256 over all that the outcome depends on; a checkpoint of another training is not taken.
    """

    folder: Path
    training: str

    def save(self, state: State, steps: int) -> None:
        """Write a checkpoint in one piece, after `steps` steps in all, and drop the older ones."""
        arrays = {f"{number:06d}": value for number, value in enumerate(state.values)}
        stream = io.BytesIO()
        position = np.array([state.epoch, state.step], np.int64)
        np.savez(stream, position=position, history=state.history, **arrays)
        data = stream.getvalue()
        name = f"{self.training}-{steps:010d}-{sha256_bytes(data)}.npz"
        write_bytes_atomic(self.folder / name, data)
        for old in self._own()[_KEPT:]:
            old.unlink(missing_ok=True)

    def latest(self, values: Sequence[npt.NDArray[Any]]) -> State | None:
        """Return the newest whole checkpoint whose arrays are like these, if there is one.

        A line says of each file that was not taken why.
        """
        for path in self._others():
            print(f"checkpoint {path.name[:12]}... is of another training: not taken", flush=True)
        for path in self._own():
            state = _read(path)
            if state is not None and state.fits(values):
                return state
            print(f"checkpoint {path.name} is damaged: not taken", flush=True)
        return None

    def clear(self) -> None:
        """Remove the checkpoints of this training; it is done."""
        for path in self._own():
            path.unlink(missing_ok=True)

    def _own(self) -> list[Path]:
        """Return the files of this training, the newest first."""
        return sorted((p for p in self._all() if p.name.startswith(self.training)), reverse=True)

    def _others(self) -> list[Path]:
        return sorted(p for p in self._all() if not p.name.startswith(self.training))

    def _all(self) -> Iterator[Path]:
        return (p for p in self.folder.glob("*.npz") if _NAME.fullmatch(p.name))


def _read(path: Path) -> State | None:
    match = _NAME.fullmatch(path.name)
    if match is None or sha256_file(path) != match[3]:
        return None
    try:
        arrays = load_npz(path, max_members=_MAX_ARRAYS)
        epoch, step = map(int, arrays.pop("position"))
        history = arrays.pop("history")
    except (BadInput, KeyError, ValueError):
        return None
    return State(epoch, step, [arrays[name] for name in sorted(arrays)], history)
