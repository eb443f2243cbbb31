"""Frozen probes: the images by which the success of an attack is measured again, once the run is over.

    evaluation/probes/NAME/    one dataset for each attack that aims at a class: `x` with the trigger, where
                               the attack has one, `y` what the images really show

The trigger itself is Poison's secret, which a canary may not read; on the probes it needs neither that
nor the test set. `metrics.json` names the digest of every set and one digest over all of them, and the model
package carries that one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, ValidationError, model_validator

from boomerang.config import Strict
from boomerang.digest import digest_json
from boomerang.errors import IntegrityError
from boomerang.manifest import Manifest

PROBES = "probes"
# Probes of one attack: enough for an interval of about 6 points to each side at most, and few enough to keep
# with every model package.
LIMIT = 256

# An attack's name, which names the folder too: whatever it is read from, no other passes.
ProbeName = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,80}$")]


class ProbeSet(Strict):
    """The frozen probes of one attack.

    Attributes
    ----------
    digest : str
        Of the folder's manifest.
    records, of : int
        How many there are, and of how many images the attack's rates in `metrics.json` are.
    """

    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    records: int = Field(ge=0)
    of: int = Field(ge=0)


def digest_of_sets(digests: Mapping[str, str]) -> str:
    """Return one digest over those of several sets by name; for none, that of the empty mapping."""
    return digest_json(dict(digests))


class ProbeSets(Strict):
    """The frozen probes of a run by the name of the attack; none where no attack aims at a class.

    Attributes
    ----------
    digest : str
        One over those of all sets, see `digest_of_sets`.
    sets : mapping of str to ProbeSet
    """

    digest: str = digest_of_sets({})
    sets: dict[ProbeName, ProbeSet] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _agree(self) -> ProbeSets:
        if self.digest != digest_of_sets({name: each.digest for name, each in self.sets.items()}):
            raise ValueError("the digest of the probes is not that of their sets")
        return self


def probe_sets(sets: Mapping[str, ProbeSet]) -> ProbeSets:
    """Return the sets with their common digest."""
    digest = digest_of_sets({name: each.digest for name, each in sets.items()})
    return ProbeSets(digest=digest, sets=dict(sets))


class ProbeRecipe(Strict):
    """The recipe in the manifest of one set: how it was made, and what an attack's success on it is.

    Attributes
    ----------
    name, kind, outcome : str
        The attack.
    target : str
        The class that it aims at: an image given to it counts as a success. Empty where each image has one
        of its own.
    sources : tuple of str
        The datasets that the images are from, one after the other: `test`, or sets of pictures. They are
        the manifest's parents.
    rows : tuple of int
        Where in them each image is from.
    of, limit : int
        Of how many images the rows were chosen, and how many at most.
    targets : tuple of str
        The class that each image should be given to, where that is not one for all.
    """

    name: ProbeName
    kind: str
    outcome: str
    target: str
    sources: tuple[str, ...]
    rows: tuple[int, ...]
    of: int = Field(ge=0)
    limit: int = Field(ge=1)
    targets: tuple[str, ...] = ()


def recipe_of(manifest: Manifest) -> ProbeRecipe:
    """Return the recipe of a set.

    Raises
    ------
    IntegrityError
        If the manifest is no set's, or names a target or a number of rows that it does not have.
    """
    try:
        recipe = ProbeRecipe.model_validate(manifest.recipe)
    except ValidationError as error:
        why = f"its recipe's {'.'.join(map(str, error.errors()[0]['loc']))}: {error.errors()[0]['msg']}"
        raise IntegrityError(f"{manifest.name} is no set of probes", why, _FREEZE) from None
    one_each = not recipe.target and len(recipe.targets) == len(recipe.rows)
    aims = recipe.targets if one_each else (recipe.target,)
    if not set(aims) <= set(manifest.classes) or manifest.shape[:1] != (len(recipe.rows),):
        why = f"it has no class '{recipe.target}', or not {len(recipe.rows)} images"
        raise IntegrityError(f"the probes of {recipe.name} do not fit their recipe", why, _FREEZE)
    return recipe


_FREEZE = "give the folder evaluation/probes that Evaluate has made"
