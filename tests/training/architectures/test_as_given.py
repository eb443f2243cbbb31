"""The network of a file is built only where a file was given; tests/.../test_kinds.py has the rest."""

from __future__ import annotations

import pytest
from helpers.training_jobs import given_network

from boomerang.config import Spec
from boomerang.errors import ConfigError
from training.architectures import ARCHITECTURES


def test_without_a_file_it_says_what_to_do() -> None:
    with pytest.raises(ConfigError, match=r"given\.path"):
        ARCHITECTURES.create(Spec(kind="as_given")).build((16, 16, 1), 2)


def test_it_is_of_as_many_classes_as_the_file_has() -> None:
    assert given_network(3).build((16, 16, 1), 3).output_shape == (None, 3)
    with pytest.raises(Exception, match="3 outputs, and the data has 2 classes"):
        given_network(3).build((16, 16, 1), 2)
