"""One campaign entry: found, read, checked as a whole, and split into each step's own settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from boomerang.config import Spec, Strict
from boomerang.errors import ConfigError, Mistakes, nearest
from boomerang.kinds import Kinds
from boomerang.settings import (
    ControlSettings,
    EvaluateSettings,
    HardenSettings,
    PoisonSettings,
    PreprocessSettings,
    RetuningConfig,
    ScreenSettings,
    TakeoverSettings,
    TrainSettings,
)
from pipelines.campaign import own_model, presets
from pipelines.campaign.enough_rows import check_enough, delivered
from pipelines.campaign.paths import cut, from_here, with_paths
from pipelines.campaign.recipe_check import Known, checked_attacks, complete
from pipelines.campaign.sections import Config, ScreenConfig, load_config
from processing.attacks import ATTACKS
from processing.attacks.common.base import Need
from processing.attacks.common.recipe import create_recipe
from processing.datasets.common.base import check_source
from processing.datasets.common.choice import classes_of
from processing.datasets.common.foreign.recognition import surveyed, with_source
from processing.defenses.screening import DETECTORS
from training.architectures import ARCHITECTURES
from training.inference import INFERENCE
from training.repair import REPAIRS

ROOT = Path(__file__).resolve().parents[2]
BUNDLED = Path(__file__).with_name("configs")
TRIGGERS = ROOT / "images" / "triggers"

# The names of the steps that carry settings; the definition uses the same.
PREPROCESS, BASELINE, POISON, VICTIM = "Preprocess", "TrainBaseline", "Poison", "TrainVictim"
SCREEN, HARDEN, EVALUATE = "Screen", "Harden", "Evaluate"


def bundled() -> dict[str, Path]:
    """Return the campaign entries that come with the project, by name."""
    return {file.stem: file for file in sorted(BUNDLED.glob("*.toml"))}


def load(source: str, overrides: Sequence[str] = (), tables: Sequence[Mapping[str, Any]] = ()) -> Config:
    """Read a campaign entry and check all of it, attacks and detectors included.

    Parameters
    ----------
    source : str
        The name of a bundled entry, or the path of a TOML file.
    overrides : sequence of str
        `key=value`, see `pipelines.campaign.sections.load_config`.
    tables : sequence of mapping
        Laid over the entry before that; paths in them count as the entry's own do.

    Returns
    -------
    Config
        Every path absolute (one in a bundled entry counts from the project's folder, one in a user's
        file from that file's folder, one in an override from the working directory's), every attack
        and detector with all of its settings.

    Raises
    ------
    ConfigError
        If there is no such entry, a key or a value is wrong, a path does not exist, or anything that the
        entry asks for cannot be had of its data; all that is known then at once.
    """
    file = _find(source)
    base = ROOT if file.parent == BUNDLED else file.resolve().parent
    read = load_config(file, [from_here(text) for text in overrides], tables)
    config = own_model.as_network(with_paths(read, base))
    config = config.model_copy(update={"data": with_source(config.data)})
    mistakes = Mistakes()
    checked = _checked(config, mistakes)
    mistakes.refuse()
    return checked


def _checked(config: Config, mistakes: Mistakes) -> Config:
    """Return the config with every setting; whatever is wrong is kept in `mistakes`."""
    known = _known(config, mistakes)
    completed: dict[str, Any] = {"attacks": checked_attacks(config, known, TRIGGERS, mistakes)}
    with mistakes.noted():
        config = _with_own(config, sum((known.rows or {}).values()))
    with mistakes.noted():
        own_model.check(config, known.classes)
    with mistakes.noted():
        if known.image is not None:
            architecture = ARCHITECTURES.create(config.model.spec, "[model]")
            height, width, channels = (*known.image, 1)[:3]
            architecture.check_size((height, width, channels))
    with mistakes.noted():
        detectors = () if is_control(config) else _completed(DETECTORS, config.screen.detectors)
        completed["screen"] = ScreenConfig(detectors=detectors, control=config.screen.control)
    with mistakes.noted():
        completed["harden"] = _checked_repairs(config)
    with mistakes.noted():
        completed["inference"] = _completed(INFERENCE, config.inference)
    return config.model_copy(update=completed)


def _known(config: Config, mistakes: Mistakes) -> Known:
    """Return what a glance at the data tells, held against what the entry asks of it."""
    data, survey, classes = config.data, None, None
    with mistakes.noted():
        source = check_source(data)
        survey = surveyed(source, data)
        classes = classes_of(source, data.classes) if survey is None else survey.classes
    if classes is None:
        return Known()
    fits = False
    with mistakes.noted():
        presets.check_past(data, len(classes))
        check_enough(data, config.canaries, survey, len(classes))
        fits = True
    image = source.image if survey is None else survey.image
    return Known(classes, image, delivered(data, config.canaries, survey) if survey and fits else None)


def _find(source: str) -> Path:
    known = bundled()
    if source in known:
        return known[source]
    path = Path(source)
    if path.suffix != ".toml":
        raise ConfigError(f"config '{source}'", "no bundled entry has this name", nearest(source, known))
    if not _is_file(path):
        raise ConfigError(f"config {cut(source)}", "there is no such file", f"bundled: {', '.join(known)}")
    return path


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # no file can have this name
        return False


def _completed(kinds: Kinds[Any], specs: Iterable[Spec]) -> tuple[Spec, ...]:
    """Return entries of a list with every setting that they have."""
    return tuple(
        complete(kinds.create(spec, f"{kinds.what} {number}")) for number, spec in enumerate(specs, 1)
    )


def _checked_repairs(config: Config) -> tuple[Spec, ...]:
    """Return `[[harden]]` with every setting; refuse a repair of flagged rows where nothing flags any."""
    repairs = _completed(REPAIRS, config.harden)
    for spec in repairs:
        if REPAIRS[spec.kind].needs_screen and not (config.screen.detectors or is_control(config)):
            why = "it works with the rows that a screen flags, and there is no detector"
            do = "name one under [[screen.detectors]], or take 'retrain'"
            raise ConfigError(f"'harden': {spec.kind}", why, do)
    return repairs


def _with_own(config: Config, rows: int) -> Config:
    """Return the config with every setting of source, architecture and training, held against its rows."""
    source, architecture = check_source(config.data), ARCHITECTURES.create(config.model.spec, "[model]")
    train = presets.whole(config.train, architecture, rows)
    presets.check_rows(train, config.data, architecture, rows)
    if not own_model.is_victim_network(config):
        presets.check_victim(config.victim, architecture)
    own = {
        "data": config.data.model_copy(update=source.model_dump(exclude={"kind"})),
        "model": config.model.model_copy(update=architecture.model_dump(exclude={"kind"})),
        "train": train,
        "victim": presets.fine_tuning(config.victim, train),
    }
    return config.model_copy(update=own)


def cannot_find(config: Config) -> dict[str, tuple[str, ...]]:
    """Return by detector, as people call it, what it cannot find with the trusted rows, if anything."""
    source = check_source(config.data)
    survey = surveyed(source, config.data)
    classes = classes_of(source, config.data.classes) if survey is None else survey.classes
    count = None if classes is None else len(classes)
    detectors = [DETECTORS.create(spec) for spec in config.screen.detectors]
    found = {each.title: each.needs(config.data.validation, count) for each in detectors}
    return {title: said for title, said in found.items() if said}


def used_triggers(config: Config) -> list[Path]:
    """Return the files of the trigger images that the recipe names."""
    names = {name for attack in create_recipe(config.attacks) for name in attack.image_names()}
    return [TRIGGERS / f"{name}.png" for name in sorted(names)]


def needs_surrogate(config: Config) -> bool:
    """Whether an attack of the recipe works on a model like the victim: it gets the baseline."""
    return _requires(config, "surrogate")


def needs_test(config: Config) -> bool:
    """Whether an attack of the recipe is on images of the test set: it gets what was held out."""
    return _requires(config, "test")


def _requires(config: Config, need: Need) -> bool:
    return any(need in attack.requires() for attack in create_recipe(config.attacks))


def takes_over(config: Config) -> bool:
    """Whether an attack of the recipe trains the victim itself."""
    return any(ATTACKS[spec.kind].takes_over for spec in config.attacks)


def from_baseline(config: Config) -> bool:
    """Whether the training of the victim starts from the baseline."""
    return own_model.from_baseline(config)


def is_control(config: Config) -> bool:
    """Whether a filter that knows the truth stands in the place of the screen."""
    return config.screen.control != "none"


def hardens(config: Config) -> bool:
    """Whether there is a hardened model; else the victim is the candidate."""
    return bool(config.harden or config.inference)


def repairs_victim(config: Config) -> bool:
    """Whether the hardened model is made of the victim, and not from nothing."""
    return not config.harden or not REPAIRS[config.harden[0].kind].fresh


def step_settings(config: Config) -> dict[str, Strict]:
    """Return what each step is told, by step name.

    A step's settings hold what the step acts on and nothing else, so that changing an attack leaves
    the steps before Poison as they were. They hold no path of this machine: a step finds pictures
    and data where the contract puts them, and `data.path` is the name inside its input `source`.
    """
    steps: dict[str, Strict] = {
        PREPROCESS: _preprocess(config),
        BASELINE: own_model.settings(config, "baseline"),
        POISON: PoisonSettings(seed=config.seed, attacks=config.attacks),
        VICTIM: _victim(config),
        SCREEN: _screen(config),
        EVALUATE: EvaluateSettings(
            seed=config.seed,
            canaries=config.canaries,
            certify=config.certify,
            kinds=_kinds(config),
            retuning=_retuning(config),
        ),
    }
    if hardens(config):
        as_given = repairs_victim(config) and own_model.is_victim_network(config)
        steps[HARDEN] = HardenSettings(
            **own_model.training(config, as_given=as_given).model_dump(exclude={"start"}),
            start="victim" if repairs_victim(config) else "scratch",
            repairs=config.harden,
            inference=config.inference,
        )
    return steps


def _screen(config: Config) -> Strict:
    if config.screen.control == "none":
        return ScreenSettings(seed=config.seed, detectors=config.screen.detectors)
    return ControlSettings(seed=config.seed, control=config.screen.control)


def _retuning(config: Config) -> RetuningConfig | None:
    when = config.retuning.when
    bare = bool(config.harden) and not config.inference
    done = bare and (when == "always" or (when == "repaired" and repairs_victim(config)))
    return config.retuning if done else None


def _kinds(config: Config) -> tuple[str, ...]:
    """Return the kinds of what Evaluate opens: the attacks, and what wraps the hardened model."""
    return tuple(sorted({spec.kind for spec in (*config.attacks, *config.inference)}))


def _preprocess(config: Config) -> PreprocessSettings:
    path = Path(config.data.path)
    inside = "" if not config.data.path else path.name if path.is_file() else "."
    name = config.data.name or (path.stem if path.is_file() else path.name)
    return PreprocessSettings(
        seed=config.seed,
        data=config.data.model_copy(update={"path": inside, "name": name}),
        pictures=tuple(entry.model_copy(update={"path": entry.name}) for entry in config.pictures),
        canaries=config.canaries,
    )


def _victim(config: Config) -> TrainSettings:
    settings = own_model.settings(config, "victim")
    if from_baseline(config):
        train, new_head = presets.tuned(config.train, config.victim), config.victim.schedule == "transfer"
        tuned = {"train": train, "start": "baseline", "new_head": new_head, "given": None}
        settings = settings.model_copy(update=tuned)
    if takes_over(config):
        return TakeoverSettings(**settings.model_dump(), attacks=config.attacks)
    return settings
