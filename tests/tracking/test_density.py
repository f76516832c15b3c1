import numpy as np
import pytest

from cctview.tracking.density import Histogram

FLAT = np.full(4, 0.25)
WIDE = np.full(17, 1 / 17)


def histogram(sigma=(0.0, 0.0, 0.0), pseudo=10.0, prior=FLAT):
    return Histogram(shape=(1, 2, 4), sigma=sigma, prior=prior, pseudo=pseudo)


def test_without_counts_there_is_the_prior():
    prior = np.array([0.7, 0.1, 0.1, 0.1])
    assert np.allclose(histogram(prior=prior).density(np.zeros((1, 2, 4))), prior)


def test_places_lean_on_all_places_and_those_on_the_prior():
    table = histogram()
    counts = table.counts(np.array([0] * 30), np.ones(30))
    overall = (np.array([30, 0, 0, 0]) + 10 * FLAT) / 40
    density = table.density(counts)
    assert np.allclose(density[0, 0], (np.array([30, 0, 0, 0]) + 10 * overall) / 40)
    assert np.allclose(density[0, 1], overall)
    assert np.allclose(density.sum(axis=2), 1)


def wide(sigma):
    return Histogram(shape=(1, 2, 17), sigma=(0.0, 0.0, sigma), prior=WIDE, pseudo=10.0)


def test_weights_count_and_smoothing_keeps_them():
    counts = wide(1.0).counts(np.array([8, 17 + 9]), np.array([2.0, 0.5]))
    assert counts.sum(axis=2)[0] == pytest.approx([2.0, 0.5])
    assert counts[0].argmax(axis=1).tolist() == [8, 9]
    assert counts[0, 0, 9] > counts[0, 0, 10] > 0


@pytest.mark.parametrize("sigma", [0.0, 0.6])
def test_a_row_does_not_vouch_for_itself(sigma):
    """Left out, a row's density is that of all the others."""
    table = wide(sigma)
    bins, weight = np.array([8, 8, 9, 17 + 7, 17 + 9]), np.array([1.0, 0.5, 1.0, 1.0, 0.3])
    told = table.left_out(table.counts(bins, weight), bins, weight)
    for row in range(len(bins)):
        others = np.arange(len(bins)) != row
        alone = table.density(table.counts(bins[others], weight[others])).ravel()[bins[row]]
        assert told[row] == pytest.approx(alone, rel=0.03)
    assert np.all(told < table.density(table.counts(bins, weight)).ravel()[bins])


def test_a_lonely_row_still_has_a_density():
    table = histogram(prior=np.array([1.0, 0.0, 0.0, 0.0]))
    told = table.left_out(table.counts(np.array([3]), np.ones(1)), np.array([3]), np.ones(1))
    assert 0 < told[0] < 1e-300
