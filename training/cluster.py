"""Which processes and devices train one model together, and what they tell each other.

    no GPU              the default strategy, which does nothing
    one GPU             tf.distribute.OneDeviceStrategy
    several GPUs        tf.distribute.MirroredStrategy
    several machines    tf.distribute.MultiWorkerMirroredStrategy, over all GPUs of all machines

TensorFlow takes the machines from `TF_CONFIG`. SageMaker does not write it, so it is made here from the
job's hosts; where the environment has one already, that one holds.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from boomerang.contract import Hosts
from boomerang.errors import StepFailed

PORT = 23456

_TF_CONFIG = "TF_CONFIG"
_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Cluster:
    """What trains one model together.

    Attributes
    ----------
    strategy : tf.distribute.Strategy
    index : int
        Which of the processes this is; 0 is the chief, who alone writes and logs.
    processes : int
    accelerated : bool
        Whether its devices are GPUs.
    half : str
        The 16-bit floats that all of its devices compute in hardware, `float16` or `bfloat16`; empty if none.
    """

    strategy: Any
    index: int = 0
    processes: int = 1
    accelerated: bool = False
    half: str = ""

    @property
    def chief(self) -> bool:
        """Whether this process is the one that writes and logs."""
        return self.index == 0

    @property
    def replicas(self) -> int:
        """How many devices share a batch, over all processes."""
        return int(self.strategy.num_replicas_in_sync)

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices of this process, one a replica; the default strategy does not say."""
        return tuple(self.strategy.extended.worker_devices)

    def read(self, variables: Sequence[Any]) -> list[Array]:
        """Return the values of Keras variables, as the first replica of this process has them."""
        return [np.array(self._copies(variable)[0]) for variable in variables]

    def write(self, variables: Sequence[Any], values: Sequence[Array]) -> None:
        """Give Keras variables these values, on every replica of this process."""
        for variable, value in zip(variables, values, strict=True):
            for copy in self._copies(variable):
                copy.assign(value)

    def _copies(self, variable: Any) -> tuple[Any, ...]:
        return tuple(self.strategy.experimental_local_results(variable.value))

    def share(self, values: Sequence[Array]) -> list[Array]:
        """Return the chief's values in every process, bit for bit; shapes and dtypes are the same in all."""
        if self.processes == 1:
            return list(values)
        own = np.frombuffer(b"".join(value.tobytes() for value in values), np.uint8)
        data = self._sum(own if self.chief else np.zeros_like(own)).astype(np.uint8).tobytes()
        out, start = [], 0
        for value in values:
            out.append(np.frombuffer(data, value.dtype, value.size, start).reshape(value.shape))
            start += value.nbytes
        return out

    def united_parts(self, own: Array) -> Array:
        """Return the processes' sum, bit for bit, where each element is zero in all of them but one."""
        if self.processes == 1:
            return own
        data = self._sum(np.frombuffer(own.tobytes(), np.uint8)).astype(np.uint8)
        return data.view(own.dtype).reshape(own.shape)

    def agree(self, flag: bool) -> bool:
        """Return in every process whether the flag is set in any; all wait for each other here."""
        return bool(self._sum(np.array([flag])).any()) if self.processes > 1 else flag

    def part(self) -> None:
        """Wait until all are here, and part: whoever returns may end without harm to the others.

        A process that has its sum may end while another still reads its share of it. So each begins a second
        one, which ends in none before all have ended the first. Who is left alone in it has lost nothing.
        """
        import tensorflow as tf

        self.agree(True)
        with suppress(tf.errors.OpError):
            self.agree(True)

    @contextmanager
    def united(self) -> Iterator[None]:
        """Say in plain words when another process has gone while this one waits for it.

        Raises
        ------
        StepFailed
            If TensorFlow finds a peer gone.
        """
        import tensorflow as tf

        try:
            yield
        except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
            do = "start the job again; it goes on from its checkpoint"
            raise StepFailed("the training", "another of its hosts is gone", do) from error

    def _sum(self, own: Array) -> npt.NDArray[np.float32]:
        """Return the sum over the processes; as floats, which every kind of all-reduce can add.

        Whole numbers up to 2**24 are exact.
        """
        result = self.strategy.experimental_local_results(self._total(own.astype(np.float32)))[0]
        summed: npt.NDArray[np.float32] = result.numpy() / len(self.devices)
        return summed

    @cached_property
    def _total(self) -> Any:
        import tensorflow as tf

        def total(value: Any) -> Any:
            here = tf.identity(value)  # on the replica's device, without which there is nothing to add up
            return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, here)

        signature = [tf.TensorSpec([None], tf.float32)]
        return tf.function(lambda value: self.strategy.run(total, (value,)), signature, autograph=False)


def alone() -> Cluster:
    """Return this process by itself, on the CPU in float32."""
    import tensorflow as tf

    return Cluster(tf.distribute.get_strategy())


def join(hosts: Hosts | None = None) -> Cluster:
    """Return what this process trains with; on several machines, wait until all of them are there.

    Without hosts it is this machine with its devices. TensorFlow wants this before anything else is asked of
    it.
    """
    import tensorflow as tf

    if hosts and hosts.count > 1:
        os.environ.setdefault(_TF_CONFIG, tf_config(hosts))
    gpus = len(tf.config.list_physical_devices("GPU"))
    half = "float16" if gpus else "bfloat16" if bfloat16_here() else ""
    if _TF_CONFIG in os.environ:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
        workers = strategy.num_replicas_in_sync // len(strategy.extended.worker_devices)
        whole = Cluster(strategy, strategy.cluster_resolver.task_id, workers, accelerated=gpus > 0)
        return whole if whole.agree(not half) else replace(whole, half=half)
    if gpus > 1:
        return Cluster(tf.distribute.MirroredStrategy(), accelerated=True, half=half)
    if gpus:
        return Cluster(tf.distribute.OneDeviceStrategy("GPU:0"), accelerated=True, half=half)
    return replace(alone(), half=half)


def tf_config(hosts: Hosts) -> str:
    """Return TF_CONFIG for one of several hosts, each of which listens on the same port.

    >>> tf_config(Hosts(("a", "b"), "b"))
    '{"cluster": {"worker": ["a:23456", "b:23456"]}, "task": {"type": "worker", "index": 1}}'
    """
    workers = [f"{name}:{PORT}" for name in hosts.names]
    return json.dumps({"cluster": {"worker": workers}, "task": {"type": "worker", "index": hosts.index}})


def bfloat16_here(cpuinfo: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether this machine's CPU multiplies bfloat16 in hardware; where nothing says so, it does not."""
    try:
        lines = cpuinfo.read_text(errors="replace").splitlines()
    except OSError:
        return False
    flags = (line.partition(":")[2].split() for line in lines if line.startswith("flags"))
    return bool(_BFLOAT16_FLAGS.intersection(next(flags, [])))
