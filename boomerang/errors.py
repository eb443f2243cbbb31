"""The error tree. Every error that a user can cause says what, why and what to do.

    BoomerangError                exit code
    ├── UsageError                2   the command line or a value on it is wrong
    │   ├── ConfigError           2   the configuration is wrong
    │   │   └── SeveralMistakes   2   in several places
    │   └── BadInput              2   a file that was handed in cannot be used
    ├── StepFailed                2   a step of the pipeline stopped
    │   └── Stopped             143   a job was told to stop (128 + SIGTERM)
    ├── AwsError                  3   AWS refused, or could not be reached
    └── IntegrityError            4   a file is not what its manifest says

Exit code 0 means the candidate passed the gate, 1 that the gate rejected it, 70 that something happened that
nobody foresaw (`EX_SOFTWARE` of BSD's sysexits), 130 that it was interrupted. `EXIT_WORDS` has them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from difflib import get_close_matches

EXIT_PASSED = 0
EXIT_REJECTED = 1
EXIT_UNFORESEEN = 70
EXIT_INTERRUPTED = 130

EXIT_WORDS: Mapping[int, str] = {
    EXIT_PASSED: "the candidate passed the gate",
    EXIT_REJECTED: "the gate rejected it",
    2: "usage, config, a file, or a step failed",
    3: "AWS",
    4: "a file is not what its manifest says",
    EXIT_UNFORESEEN: "a mistake of Boomerang's own, its traceback in a file",
    EXIT_INTERRUPTED: "interrupted",
}


class BoomerangError(Exception):
    """Root of the tree; `exit_code` is what the command line ends with.

    Parameters
    ----------
    what : str
        What cannot be done, naming the file, key or step.
    why : str
        The reason, as far as it is known.
    do : str
        What the user can do about it.
    """

    exit_code = 2

    def __init__(self, what: str, why: str = "", do: str = "") -> None:
        self.what, self.why, self.do = what, why, do
        super().__init__(what, why, do)

    def __str__(self) -> str:
        text = f"{self.what}: {self.why}" if self.why else self.what
        return f"{text}\n  {self.do}" if self.do else text


class UsageError(BoomerangError):
    """The command line, or an argument of a public function, is wrong."""


class ConfigError(UsageError):
    """The configuration is wrong."""


class SeveralMistakes(ConfigError):
    """The configuration, or what it names, is wrong in several places.

    Parameters
    ----------
    errors : sequence of UsageError
        Two or more.
    """

    def __init__(self, errors: Sequence[UsageError]) -> None:
        self.errors = tuple(errors)
        listed = (f"{number}. " + str(each).replace("\n", "\n   ") for number, each in enumerate(errors, 1))
        super().__init__(f"{len(self.errors)} things are wrong", do="\n".join(listed).replace("\n", "\n  "))


class BadInput(UsageError):
    """A file that was handed in cannot be used."""


class StepFailed(BoomerangError):
    """A step of the pipeline stopped; what was finished before it is kept."""


class Stopped(StepFailed):
    """The job was told to stop before it was done."""

    exit_code = 143

    def __init__(self, why: str = "it got SIGTERM") -> None:
        do = "start it again; a training job goes on from its checkpoint"
        super().__init__("the job was told to stop", why, do)


class Mistakes:
    """Mistakes of one command, collected so that they are said together and not one a try."""

    def __init__(self) -> None:
        self._found: list[UsageError] = []

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Keep a UsageError of the block, which ends there, for later."""
        try:
            yield
        except UsageError as error:
            self.add(error)

    def add(self, error: UsageError) -> None:
        """Keep an error, and of several each; one that says what another has said is left out."""
        for each in error.errors if isinstance(error, SeveralMistakes) else (error,):
            if str(each) not in map(str, self._found):
                self._found.append(each)

    def refuse(self) -> None:
        """Raise what was kept: one error as it is, several together."""
        if len(self._found) > 1:
            raise SeveralMistakes(self._found)
        if self._found:
            raise self._found[0]


class AwsError(BoomerangError):
    """AWS refused a call, or could not be reached."""

    exit_code = 3


class IntegrityError(BoomerangError):
    """A file is not what its manifest says it is."""

    exit_code = 4


def say_exit(code: int) -> str:
    """Return what an exit code means.

    >>> say_exit(1)
    'exit code 1: the gate rejected it'
    """
    if code > 128 and code not in EXIT_WORDS:
        return f"exit code {code}: ended by signal {code - 128}"
    return f"exit code {code}: {EXIT_WORDS.get(code, 'none of ours')}"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `did you mean 'x'?` for the nearest known word, or the list of them.

    >>> nearest("patc", ["patch", "flip"])
    "did you mean 'patch'?"
    """
    choices = sorted(known)
    close = get_close_matches(word, choices, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"known: {', '.join(choices)}"
