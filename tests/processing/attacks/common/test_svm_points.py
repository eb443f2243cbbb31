"""Points against a support vector machine: the gradient is right, and the loss goes up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from helpers.svm_cases import arena, clouds, vectors
from sklearn.svm import SVC

from processing.attacks.common.svm_points import Arena, Kernel

KERNELS = ("linear", "rbf")
START = vectors(clouds(2, 5)[0])


@pytest.mark.parametrize("name", KERNELS)
def test_the_kernel_is_scikit_learns_and_its_slopes_are_those_of_differences(name: Any) -> None:
    from sklearn.metrics.pairwise import linear_kernel, rbf_kernel

    kernel, (a, b) = Kernel(name, 0.7), (vectors(clouds(5, 2)[0]), vectors(clouds(7, 3)[0]))
    theirs = linear_kernel(a, b) if name == "linear" else rbf_kernel(a, b, 0.7)
    assert np.allclose(kernel(a, b), theirs)
    weights, x, h = np.linspace(-1, 1, 7), a[0], 1e-6 * np.eye(a.shape[1])
    slope = kernel.slope(x, b, kernel(x[None], b)[0], weights)
    assert np.allclose(slope, [(kernel(x + e, b) - kernel(x - e, b))[0] @ weights / 2e-6 for e in h[:, None]])
    own = [(kernel(x + e, x + e) - kernel(x - e, x - e))[0, 0] / 2e-6 for e in h[:, None]]
    assert np.allclose(kernel.own_slope(x), own, atol=1e-6)


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize(("label", "place"), [(-1, 1), (1, 0), (1, 1)])
def test_the_gradient_is_that_of_finite_differences_of_the_machine_solved_anew(
    name: Any, label: int, place: int
) -> None:
    """Points within the margin (their alpha is C), and on it, where their own alpha follows."""
    scene, point = arena(name), START[place].copy()
    if (label, place) == (1, 1):  # onto the margin
        for _ in range(200):
            answer = scene.with_point(point, label)
            if 1e-3 < abs(answer.beta[-1]) < 1 - 1e-3:
                break
            point += 0.01 * np.sign(scene.heading(answer)) * (1 if not answer.counts else -1)
    answer = scene.with_point(point, label)
    assert answer.counts
    gradient = scene.gradient(answer)
    rng, h = np.random.default_rng(0), 1e-4
    for _ in range(4):
        way = rng.normal(size=len(point))
        way /= np.linalg.norm(way)
        up, down = (_exact(scene, point + sign * h * way, label) for sign in (1, -1))
        assert np.isclose(
            (up - down) / (2 * h), gradient @ way, rtol=0.03, atol=0.02 * np.linalg.norm(gradient)
        )


def _exact(scene: Arena, point: Any, label: int) -> float:
    """Return the loss of the watched rows, by a machine that is solved as far as it goes, from the rows."""
    x, y = np.vstack([scene.x, point]), np.append(scene.y, label)
    machine = SVC(C=scene.c, kernel=scene.kernel.name, gamma=scene.kernel.gamma, tol=1e-9).fit(x, y)
    return float(np.maximum(1 - scene.watched_y * machine.decision_function(scene.watched_x), 0).sum())


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("label", [1, -1])
def test_a_point_ends_where_the_loss_is_higher_on_values_that_an_image_can_hold(
    name: Any, label: int
) -> None:
    scene = arena(name)
    for start in START:
        point = scene.moved(start, label, 20, 0.5)
        assert (point >= 0).all() and (point <= 1).all() and np.array_equal(np.rint(255 * point) / 255, point)
        before, after = (scene.with_point(each, label).loss for each in (start, point))
        assert after > before
        assert np.isclose(after, _exact(scene, point, label), rtol=1e-3)


@pytest.mark.parametrize("name", KERNELS)
def test_a_point_beyond_the_margin_first_goes_there(name: Any) -> None:
    scene = arena(name)
    machine = SVC(kernel=name).fit(scene.x, scene.y)
    far = scene.x[machine.decision_function(scene.x).argmax()]
    answer = scene.with_point(far, 1)
    assert not answer.counts and not scene.gradient(answer).any()
    assert scene.with_point(scene.moved(far, 1, 40, 0.5), 1).counts


def test_a_point_that_is_added_is_learned_from_as_if_it_had_always_been_there() -> None:
    scene = arena("rbf")
    scene.add(START[0], -1)
    x, y = np.vstack([arena("rbf").x, START[0]]), np.append(arena("rbf").y, -1)
    again = Arena(scene.kernel, scene.c, x, y, scene.watched_x, scene.watched_y)
    one, other = (each.with_point(START[1], 1) for each in (scene, again))
    assert np.allclose(one.beta, other.beta, atol=1e-5) and np.allclose(one.margins, other.margins, atol=1e-5)


@pytest.mark.filterwarnings("ignore")  # of ART's import
def test_it_raises_the_loss_at_least_as_far_as_art() -> None:
    """ART moves a point along its own gradient, from the same start, with the same machine and rows."""
    from art.attacks.poisoning import PoisoningAttackSVM
    from art.estimators.classification.scikitlearn import ScikitlearnSVC

    scene = arena("linear", rows=30, watched=30)
    told, seen = (np.eye(2)[(each == 1).astype(int)] for each in (scene.y, scene.watched_y))
    for start, label in zip(START, (1, -1), strict=True):
        machine = ScikitlearnSVC(model=SVC(kernel="linear"), clip_values=(0, 1))
        machine.fit(scene.x, told)
        attack = PoisoningAttackSVM(
            machine, 0.1, 1e9, scene.x, told, scene.watched_x, seen, max_iter=20, verbose=False
        )
        np.random.seed(0)  # noqa: NPY002  ART draws from it
        theirs, _ = attack.poison(start[None].copy(), np.eye(2)[[int(label == 1)]])
        ours = scene.moved(start, label, 20, 0.5)
        losses = [_exact(scene, each, label) for each in (start, np.clip(theirs[0], 0, 1), ours)]
        assert losses[2] > losses[0] and losses[2] >= losses[1]
