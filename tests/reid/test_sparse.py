"""Sparse reconstruction by hand: what one or two images can tell of a vector."""

import numpy as np
import pytest

from cctview.errors import InputError
from cctview.reid import sparse
from cctview.reid.sparse import lasso, reconstruction_residuals

CROSS = np.array([[1.0, 0.0, 0.0], [0.0, 2.0, 0.0]])


def weights(track, y, alpha):
    """The weights of one vector (D,) over one track (K, D)."""
    return lasso((track @ track.T)[None], (track @ y)[None], alpha)[0]


def worth(track, y, weight, alpha):
    return ((y - weight @ track) ** 2).sum() / 2 + alpha * np.abs(weight).sum()


def test_on_images_at_right_angles_each_weight_is_what_it_explains_less_the_penalty():
    """(3 - 0.5) / 1 for the first, (2 * 4 - 0.5) / 4 for the second."""
    assert weights(CROSS, np.array([3.0, 4.0, 5.0]), 0.5) == pytest.approx([2.5, 1.875])
    assert weights(CROSS, np.array([-3.0, 4.0, 5.0]), 0.5) == pytest.approx([-2.5, 1.875]), "the sign is that of y"


def test_what_explains_less_than_the_penalty_is_not_used():
    assert weights(CROSS, np.array([0.4, 0.2, 5.0]), 0.5).tolist() == [0.0, 0.0]
    assert weights(CROSS, np.array([0.6, 0.2, 5.0]), 0.5) == pytest.approx([0.1, 0.0])


def test_of_two_images_that_show_the_same_they_share_one_weight():
    twice = np.array([[1.0, 0.0], [1.0, 0.0]])
    found = weights(twice, np.array([2.0, 1.0]), 0.5)
    assert found.sum() == pytest.approx(1.5, abs=1e-6)
    assert np.all(found >= 0)


def test_no_other_weights_are_better():
    rng = np.random.default_rng(5)
    track, y = rng.normal(size=(6, 9)), rng.normal(size=9)
    found = weights(track, y, 1.0)
    least = worth(track, y, found, 1.0)
    assert 0 < np.count_nonzero(found) < 6
    for step in rng.normal(0, 0.05, (300, 6)):
        assert worth(track, y, found + step, 1.0) > least


def test_many_problems_are_solved_each_by_itself():
    rng = np.random.default_rng(6)
    tracks, y = rng.normal(size=(20, 5, 8)), rng.normal(size=(20, 8))
    together = lasso(np.einsum("pkd,pld->pkl", tracks, tracks), np.einsum("pd,pkd->pk", y, tracks), 0.3)
    alone = [weights(track, one, 0.3) for track, one in zip(tracks, y, strict=True)]
    np.testing.assert_allclose(together, alone, atol=1e-9)


def test_the_residual_is_the_length_of_what_is_left():
    """Of (3, 4, 5) there are left 0.5, 4 - 2 * 1.875 = 0.25 and all of 5."""
    found = reconstruction_residuals(np.array([[3.0, 4.0, 5.0]]), CROSS[None], 0.5)
    assert found == pytest.approx(np.array([[np.sqrt(0.25 + 0.0625 + 25)]]))


def test_each_vector_meets_each_track():
    rng = np.random.default_rng(7)
    vectors, tracks = rng.normal(size=(3, 6)), rng.normal(size=(4, 2, 6))
    found = reconstruction_residuals(vectors, tracks, 0.2)
    for row, y in enumerate(vectors):
        for place, track in enumerate(tracks):
            rest = y - weights(track, y, 0.2) @ track
            assert found[row, place] == pytest.approx(np.linalg.norm(rest))


def test_what_a_track_shows_is_left_with_the_penalty_alone_however_large_it_is(monkeypatch):
    """y is the image itself: the weight is 1 - alpha / |y|^2, and alpha / |y| is left, though |y| is 10,000 times it."""
    y = np.full((1, 16), 2500.0)
    expected = 1.0 / 10_000
    assert reconstruction_residuals(y, y[None], 1.0)[0, 0] == pytest.approx(expected, rel=1e-3)
    monkeypatch.setattr(sparse, "_BLOCK", 8)
    many = reconstruction_residuals(np.repeat(y, 5, axis=0), y[None], 1.0)
    assert many[:, 0] == pytest.approx(np.full(5, expected), rel=1e-3)


@pytest.mark.parametrize("alpha", [0.0, -1.0, float("nan")])
def test_a_penalty_that_is_none_is_refused(alpha):
    with pytest.raises(InputError, match="choose a penalty above 0"):
        lasso(np.ones((1, 1, 1)), np.ones((1, 1)), alpha)


def test_of_images_that_are_nearly_the_same_the_right_ones_are_used():
    """Two stills of one vehicle, a thousandth apart: going from weight to weight gets nowhere, equations do."""
    rng = np.random.default_rng(8)
    first, aside = rng.normal(size=(2, 12))
    track = np.array([first, first + 1e-3 * aside])
    y = first + 5e-4 * aside
    found = weights(track, y, 0.01)
    assert found.min() > 0.2
    np.testing.assert_allclose(track @ (y - found @ track), [0.01, 0.01], atol=1e-9)
