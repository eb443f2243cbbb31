"""The digits that come with scikit-learn."""

from __future__ import annotations

from processing.datasets.common.corpus import Request
from processing.datasets.digits import Digits
from processing.sharing.tasks import alone


def test_the_digits_come_with_scikit_learn() -> None:
    found = Digits().blueprint(Request()).build(alone)
    assert found.name == "sklearn-digits"
    assert len(found.train) + len(found.test) == 1797 and found.train.x.shape[1:] == (16, 16, 1)
    assert found.train.x.max() == 255 and not found.train.x[:, :4].any()
