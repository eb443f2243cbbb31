"""CIFAR-10, all 50,000 rows: what our presets reach, beside the book's recipe in plain Keras.

The book's training takes most of an hour. It is run once and kept below `build/bench`, an epoch at a time:
who interrupts it goes on with the same command.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.contest import Contender, Facts, Goal, Measured, Row, Setting, Task, cpu, source, times_ours
from bench.data import cifar10, lacks_cifar10
from bench.machine import versions
from bench.worker import cpu_seconds, rounded
from boomerang.digest import digest_json
from boomerang.errors import StepFailed

_PACKAGES = ("tensorflow-cpu", "tensorflow", "keras")
_WANTED, BUDGET_S, _MOST_EPOCHS = 0.81, 300, 40
# How ours is trained: a preset, and what of `[train]` and `[model]` differs from it. Chosen by the trials of
# `bench.recipes`, which never ask the test set.
Preset = tuple[str, dict[str, Any], dict[str, Any]]
_TO_81: Preset = ("fast", {"epochs": 3, "sizes": (24, 24, 32)}, {})
_IN_BUDGET: Preset = (
    "fast",
    {"epochs": 7, "sizes": (24,) * 5 + (32,) * 2},
    {"widths": (48, 96, 192)},
)

# An epoch done: CPU-seconds and seconds up to its end, and the accuracy on the test set after it.
Epoch = dict[str, float]


# ---- ours


def ours(x: Any, y: Any, preset: Preset, seed: int) -> Any:
    from boomerang.config import Spec
    from boomerang.settings import TrainConfig
    from training.architectures import ARCHITECTURES
    from training.architectures.common.base import fresh
    from training.cluster import join
    from training.fit import fit, seed_everything
    from training.labeled import Labeled
    from training.learning.mirror import mirrored

    kind, changed, settings = preset
    seed_everything(seed)
    architecture = ARCHITECTURES.create(Spec(kind=kind, **settings), "a benchmark")
    config = TrainConfig(**{**architecture.recipe, **changed})
    model = fresh(architecture, Labeled(x, y), "0123456789")
    fit(model, x, y, (x[:10], y[:10]), config, seed, cluster=join(), rates=architecture.rates)
    return mirrored(model) if config.mirror_at_test else model


def _our_task(preset: Preset) -> Callable[[Setting], Task]:
    def prepare(setting: Setting) -> Task:
        from training.model import classifier

        data, (kind, changed, settings) = cifar10(setting), preset
        if setting.quick:
            changed = {**changed, "epochs": 1, "batch": 50, "sizes": ()}

        def facts(model: Any) -> Facts:
            right = classifier(model)(data["x_test"]).argmax(1) == data["y_test"]
            accuracy = rounded(float(right.mean()))
            told = {"network": kind, **_texts(changed), **_texts(settings)}
            return {"accuracy": accuracy, **told, "memory_mb": None}

        made = kind, changed, settings
        return Task(lambda: ours(data["x_train"], data["y_train"], made, setting.seed), facts)

    return prepare


def _texts(settings: dict[str, Any]) -> Facts:
    """Return settings as they are shown: a tuple is a text."""
    texts = {name: " ".join(map(str, each)) for name, each in settings.items() if isinstance(each, tuple)}
    return {**settings, **texts}


# ---- the book's


def book_network() -> Any:
    from keras import Sequential, layers

    def block(filters: int, dropout: float) -> list[Any]:
        convolution = [
            layers.Conv2D(filters, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
        ]
        again = [layers.Conv2D(filters, 3, padding="same", activation="relu"), layers.BatchNormalization()]
        return [*convolution, *again, layers.MaxPooling2D(), layers.Dropout(dropout)]

    head = [layers.Flatten(), layers.Dense(128, activation="relu"), layers.BatchNormalization()]
    head += [layers.Dropout(0.5), layers.Dense(10, activation="softmax")]
    model = Sequential([layers.Input((32, 32, 3)), *block(32, 0.3), *block(64, 0.5), *block(128, 0.5), *head])
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model


def book_epoch(model: Any, x: Any, y: Any) -> None:
    from keras.utils import to_categorical

    model.fit(x / 255.0, to_categorical(y, 10), batch_size=64, epochs=1, verbose=0)


def book_training(setting: Setting, enough: Callable[[Sequence[Epoch]], bool]) -> list[Epoch]:
    """Train until it is enough, going on from what is kept; return every epoch so far."""
    import keras

    key = digest_json([source(book_network, book_epoch), versions(_PACKAGES), setting.seed, setting.quick])
    folder = setting.kept / f"book-{key[:12]}"
    noted, saved = folder / "epochs.json", folder / "model.keras"
    done: list[Epoch] = json.loads(noted.read_text()) if noted.exists() else []
    if enough(done):
        return done
    data = cifar10(setting)
    folder.mkdir(parents=True, exist_ok=True)
    model = keras.models.load_model(_of(folder, len(done))) if done else book_network()
    while not enough(done):
        if len(done) >= _MOST_EPOCHS:
            raise StepFailed(
                "the book's recipe", f"it is not there after {_MOST_EPOCHS} epochs", f"look at {noted}"
            )
        keras.utils.set_random_seed(1000 * setting.seed + len(done))
        spent, clock = cpu_seconds(), time.perf_counter()
        book_epoch(model, data["x_train"], data["y_train"])
        took = {"cpu_s": cpu_seconds() - spent, "seconds": time.perf_counter() - clock}
        before = done[-1] if done else dict.fromkeys(took, 0.0)
        answers = model.predict(data["x_test"] / 255.0, batch_size=500, verbose=0)
        accuracy = float((answers.argmax(1) == data["y_test"]).mean())
        done.append({name: rounded(before[name] + took[name]) for name in took} | {"accuracy": accuracy})
        saved = _of(folder, len(done))
        model.save(saved)
        noted.write_text(json.dumps(done, indent=1))
        _of(folder, len(done) - 1).unlink(missing_ok=True)
        print(f"the book's recipe: epoch {len(done)}, {done[-1]}", flush=True)
    return done


def _of(folder: Path, epochs: int) -> Path:
    return folder / f"after-{epochs}.keras"


def _told(epochs: Sequence[Epoch]) -> Facts:
    """Return the facts of a training that ended with the last of these."""
    course = [[epoch["cpu_s"], epoch["accuracy"]] for epoch in epochs]
    return {**epochs[-1], "epochs": len(epochs), "memory_mb": None, "course": course}


def there(done: Sequence[Epoch], quick: bool) -> int:
    """Return the number of the first epoch that is as good as wanted, counted from 1; 0 if there is none."""
    wanted = 0.0 if quick else _WANTED
    return next((number for number, each in enumerate(done, 1) if each["accuracy"] >= wanted), 0)


def _book_to_wanted(setting: Setting) -> Task:
    def run() -> list[Epoch]:
        done = book_training(setting, lambda done: there(done, setting.quick) > 0)
        return done[: there(done, setting.quick)]

    return Task(run, _told)


def _book_in_budget(setting: Setting) -> Task:
    def spent(done: Sequence[Epoch]) -> bool:
        return bool(done) and (setting.quick or done[-1]["cpu_s"] >= BUDGET_S)

    def run() -> list[Epoch]:
        return within(book_training(setting, spent))

    return Task(run, _told)


def within(done: Sequence[Epoch]) -> list[Epoch]:
    """Return the epochs that ended within the budget, the first one if none did."""
    return [each for each in done if each["cpu_s"] <= BUDGET_S] or list(done[:1])


def _percent(measured: Measured, name: str) -> float:
    return 100 * float(measured[name]["facts"]["accuracy"])


_BOOK = source(book_network, book_epoch)

ROWS = (
    Row(
        name="cifar_to_81",
        operation="CIFAR-10, 50,000 rows: from nothing to 81% on the test set",
        contenders=(
            Contender("ours", source(ours), _our_task(_TO_81), _PACKAGES),
            Contender("book", _BOOK, _book_to_wanted, _PACKAGES),
        ),
        goals=(
            times_ours("book", 12),
            Goal("accuracy of ours on the test set", lambda m: _percent(m, "ours"), least=81, unit="%"),
        ),
        runs=1,
        warm=False,
        lacks=lacks_cifar10,
        notes="The number of our epochs is set beforehand; the book's recipe is asked about the test set "
        "after every epoch, and stops at the first that is there. Asking is not counted.",
        cpu_s=1500,
    ),
    Row(
        name="cifar_300",
        operation="CIFAR-10, 50,000 rows: accuracy on the test set after 300 CPU-seconds",
        contenders=(
            Contender("ours", source(ours), _our_task(_IN_BUDGET), _PACKAGES),
            Contender("book", _BOOK, _book_in_budget, _PACKAGES),
        ),
        goals=(
            Goal("accuracy of ours on the test set", lambda m: _percent(m, "ours"), least=88, unit="%"),
            Goal("CPU-seconds of ours", lambda m: cpu(m, "ours"), most=BUDGET_S, unit="s"),
            Goal(
                "points above the book's",
                lambda m: _percent(m, "ours") - _percent(m, "book"),
                least=0,
                unit="points",
            ),
        ),
        runs=1,
        warm=False,
        lacks=lacks_cifar10,
        notes="The book's recipe is taken after its last whole epoch within the budget.",
        cpu_s=700,
    ),
)
