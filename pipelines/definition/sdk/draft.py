"""The campaign's job steps, drawn one by one, with what all steps of one definition share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from boomerang.contract import digest_variable
from boomerang.digest import digest_json
from boomerang.errors import ConfigError
from boomerang.gate import GATE, Rule
from pipelines.campaign.entry import BASELINE, EVALUATE, HARDEN, POISON, PREPROCESS, SCREEN, VICTIM
from pipelines.campaign.sections import Config
from pipelines.campaign.site import Site
from pipelines.campaign.staging import Inputs
from pipelines.definition.machines import allowed_instances
from pipelines.definition.sdk.imports import (
    ExecutionVariables,
    Join,
    Parameter,
    ParameterFloat,
    ParameterInteger,
    ParameterString,
    PropertyFile,
    Step,
)
from pipelines.definition.sdk.jobs import (
    MODEL,
    Job,
    Processing,
    Training,
    Variable,
    job_step,
)

# What runs in the place of an honest training where an attack takes it over.
TAKEOVER = "processing.takeover"
# What runs in the place of a screen where the entry asks for a control.
CONTROL = "processing.control"

_ORDER = (PREPROCESS, BASELINE, POISON, VICTIM, SCREEN, HARDEN)


def _limit(rule: Rule, value: float) -> Parameter:
    """Return the pipeline's parameter for a limit."""
    kind = ParameterInteger if rule.counts else ParameterFloat
    return kind(name=rule.parameter, default_value=value)


def _instance(name: str, default: str) -> Parameter:
    """Return the parameter that chooses the machines: only such as the definition's key fits."""
    return ParameterString(name=name, default_value=default, enum_values=allowed_instances(default))


class Draft:
    """What all steps of one definition share, and the job steps drawn so far."""

    def __init__(self, config: Config, site: Site, inputs: Inputs, session: Any) -> None:
        self.config, self.site, self.inputs, self.session = config, site, inputs, session
        self.steps: list[Step] = []
        self.limits = {rule.limit: _limit(rule, getattr(config.gate, rule.limit)) for rule in GATE}
        jobs = config.jobs
        self.instances = {
            "processing": _instance("ProcessingInstance", jobs.processing_instance),
            "training": _instance("TrainingInstance", jobs.training_instance),
        }

    def output(self, step: str, name: str) -> Join:
        """Return the address of an output in the run's own folder."""
        runs = f"{self.site.root}/{self.config.name}/runs"
        return Join(on="/", values=[runs, ExecutionVariables.PIPELINE_EXECUTION_ID, step, name])

    def shared(
        self,
        name: str,
        inputs: Mapping[str, Variable],
        outputs: Sequence[str],
        arguments: Sequence[Variable] = (),
        files: Sequence[PropertyFile] = (),
    ) -> dict[str, Variable]:
        """Add a step that several machines may share, and return the addresses of its outputs.

        With several, a step makes its parts on all of them before, and brings them together itself.
        """
        count = self.config.jobs.processing_count
        if count > 1:
            parts = self._processing(name, f"{name}Parts", inputs, ["parts"], count=count)
            inputs = {**inputs, **parts}
        return self._processing(name, name, inputs, outputs, arguments=arguments, files=files)

    def processing(
        self, name: str, inputs: Mapping[str, Variable], outputs: Sequence[str]
    ) -> dict[str, Variable]:
        """Add a processing job and return the addresses of its outputs; an input of None is left out."""
        return self._processing(name, name, inputs, outputs)

    def control(
        self, name: str, inputs: Mapping[str, Variable], outputs: Sequence[str]
    ) -> dict[str, Variable]:
        """Add the control that stands in the place of a step, and return the addresses of its outputs.

        One of the inputs is Poison's secret, which no screen is given; so it has a command and a role of its
        own.

        Raises
        ------
        ConfigError
            If the site has no role that may do that.
        """
        role = self.site.roles.control
        if role is None:
            why = "a control filter reads Poison's secret, and no role there may and write what is trained on"
            do = "run this entry on this machine, or leave screen.control out"
            raise ConfigError(f"step {name}", why, do)
        return self._processing(name, name, inputs, outputs, module=CONTROL, role=role)

    def _processing(
        self,
        name: str,
        step: str,
        inputs: Mapping[str, Variable],
        outputs: Sequence[str],
        module: str = "",
        role: str = "",
        **options: Any,
    ) -> dict[str, Variable]:
        usual = f"processing.{name.lower()}" if step == name else f"processing.parts.{name.lower()}_parts"
        roles = self.site.roles
        given = {"config": self.inputs.configs[name], **inputs}
        return self.add(
            Processing(
                name=step,
                command=["python", "-m", module or usual],
                role=role or (roles.evaluate if name == EVALUATE else roles.processing),
                machine=self.instances["processing"],
                inputs=given,
                outputs={key: self.output(step, key) for key in outputs},
                environment=self._digests(given),
                **options,
            )
        )

    def _digests(self, inputs: Mapping[str, Variable]) -> dict[str, str]:
        """Return the environment in which a job is told the digest of each staged input."""
        known = {digest_variable(name): self.inputs.digest(address) for name, address in inputs.items()}
        return {variable: digest for variable, digest in known.items() if digest is not None}

    def add(self, job: Job) -> dict[str, Variable]:
        """Add the step that starts a job, and return the addresses of its outputs."""
        step = job_step(job, self.config.jobs, self.site, self.session)
        self.steps.append(step)
        return job.made(step.properties)

    def sign(self, step: str, inputs: Mapping[str, Variable]) -> dict[str, Variable]:
        """Add a job that signs what its inputs hold, if the site signs.

        It cannot be isolated, as it calls KMS; so it runs no code but the signing, and its role writes
        nothing but signatures.

        Returns
        -------
        mapping of input name to address
            Where the signature of each input is; empty if the site does not sign.
        """
        signing = self.site.signing
        if signing is None:
            return {}
        name = f"Sign{step}"
        return self.add(
            Processing(
                name=name,
                command=["python", "-m", "aws.jobs.sign"],
                role=self.site.roles.signing,
                machine=self.instances["processing"],
                inputs=inputs,
                outputs={key: self.output(name, key) for key in inputs},
                environment={"SIGNING_KEY": signing.key, "AWS_DEFAULT_REGION": self.site.region},
                isolated=False,
            )
        )

    def training(
        self,
        name: str,
        channels: Mapping[str, Variable],
        signatures: Mapping[str, Variable],
        module: str = "",
    ) -> Variable:
        """Add a training job and return the address of its `model.tar.gz`.

        Where the site signs, each channel has its signature beside it, as a channel `NAME_signature`.

        Parameters
        ----------
        name : str
            The step's.
        channels, signatures : mapping of name to address
        module : str, optional
            What the container runs instead of the image's `train`.
        """
        given = self._signed(channels, signatures)
        return self._training(name, given, self.site.roles.training, module)

    def given(self, name: str) -> dict[str, Variable]:
        """Return the channel of the given model, if a training reads it."""
        named = "given.path" in self.inputs.hyperparameters[name]
        return {"given": self.inputs.given} if named else {}

    def takeover(
        self,
        name: str,
        channels: Mapping[str, Variable],
        signatures: Mapping[str, Variable],
    ) -> Variable:
        """Add the training that the attacker runs, and return the address of its model.

        One of the channels is Poison's secret, which no honest training is given; so it has a command and a
        role of its own.

        Raises
        ------
        ConfigError
            If the site has no role that may do that.
        """
        role = self.site.roles.takeover
        if role is None:
            why = "an attack trains the victim itself, which needs Poison's secret, and no role there may"
            raise ConfigError(f"step {name}", why, "run this entry on this machine, or leave that attack out")
        return self._training(name, self._signed(channels, signatures), role, TAKEOVER)

    def _signed(
        self, channels: Mapping[str, Variable], signatures: Mapping[str, Variable]
    ) -> dict[str, Variable]:
        """Return channels with their signatures, if the site signs; what is staged has its digest instead."""
        if self.site.signing is None:
            return dict(channels)
        made = [key for key, address in channels.items() if self.inputs.digest(address) is None]
        return {**channels, **{f"{key}_signature": signatures[key] for key in made}}

    def _training(
        self,
        name: str,
        channels: Mapping[str, Variable],
        role: str,
        module: str,
    ) -> Variable:
        hyperparameters = dict(self.inputs.hyperparameters[name])
        if self.site.signing is not None:
            hyperparameters["public_key"] = self.site.signing.public_key
        job = Training(
            name=name,
            command=["python", "-m", module] if module else [],
            role=role,
            machine=self.instances["training"],
            inputs=channels,
            output=self.output(name, MODEL),
            checkpoints=self._checkpoints(name),
            hyperparameters=hyperparameters,
            environment=self._digests(channels),
        )
        return self.add(job)[MODEL]

    def _checkpoints(self, name: str) -> str:
        """Return where a training keeps its checkpoints: by the content of all that it depends on."""
        before = _ORDER[: _ORDER.index(name) + 1]
        settings: Mapping[str, Any] = {**self.inputs.configs, **self.inputs.hyperparameters}
        given = {step: settings[step] for step in before if step in settings}
        given |= {"pictures": self.inputs.pictures, "source": self.inputs.source}
        given |= {"triggers": self.inputs.triggers} if POISON in before else {}
        given |= {"given": self.inputs.given} if self.inputs.given else {}
        return f"{self.site.root}/checkpoints/{digest_json([self.site.image, name, given])}"
