import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctview.errors import InputError
from cctview.reid.distances import (
    AGGREGATIONS,
    cosine_distances,
    euclidean_distances,
    image_to_track,
    pooled,
    track_to_track,
)
from cctview.reid.sparse import lasso, reconstruction_residuals
from cctview.table import Ragged

SPARSE = json.loads((Path(__file__).parents[1] / "goldens" / "sparse.json").read_text(encoding="utf-8"))["cases"]


def tracks(rng, count, width=12, most=7):
    lengths = rng.integers(1, most, count)
    return Ragged.from_lengths(rng.gamma(1.0, 2.0, (int(lengths.sum()), width)), lengths)


def rows(ragged):
    return np.split(ragged.values, ragged.offsets[1:-1])


def published(query, test, metric, aggregation):
    """The published procedure, image by image: every step of the running minimum counts."""
    steps = []
    for t in test:
        least = np.inf
        for q in query:
            cosine = q @ t / (np.linalg.norm(q) * np.linalg.norm(t))
            least = min(least, np.linalg.norm(q - t) if metric == "MED" else 1 - cosine)
            steps.append(least)
    return summary(steps, aggregation, int(len(steps) / 2) + 1)


def paper(query, test, metric, aggregation):
    """The text of the paper: each query image has its nearest test image."""
    least = []
    for q in query:
        cosine = test @ q / (np.linalg.norm(q) * np.linalg.norm(test, axis=1))
        least.append(np.min(np.linalg.norm(test - q, axis=1) if metric == "MED" else 1 - cosine))
    return summary(least, aggregation, (len(least) + 1) // 2)


def summary(values, aggregation, half):
    kept = sorted(values)[:half] if "50" in aggregation else values
    if "mean" in aggregation:
        return np.mean(kept)
    return np.median(kept) if "med" in aggregation else np.min(kept)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("metric", ["MED", "MCD"])
@pytest.mark.parametrize(("definition", "reference"), [("paper", paper), ("reference-code", published)])
def test_agrees_with_the_loops(metric, aggregation, definition, reference):
    rng = np.random.default_rng(7)
    queries, gallery = tracks(rng, 9), tracks(rng, 14)
    expected = [[reference(q, t, metric, aggregation) for t in rows(gallery)] for q in rows(queries)]
    found = track_to_track(queries, gallery, metric, aggregation, definition=definition)
    np.testing.assert_allclose(found, expected, atol=1e-9)


def test_the_running_minimum_by_hand():
    # Distances of one test image to three query images in order: 3, 1, 2. The running minimum: 3, 1, 1.
    queries = Ragged.from_lengths(np.array([[3.0], [1.0], [2.0]]), [3])
    gallery = Ragged.from_lengths(np.array([[0.0]]), [1])

    def one(aggregation, definition):
        return track_to_track(queries, gallery, "MED", aggregation, definition=definition)[0, 0]

    assert one("mean", "reference-code") == pytest.approx(5 / 3)
    assert one("mean", "paper") == pytest.approx(2)
    assert one("mean50", "reference-code") == pytest.approx(1)  # int(3 / 2) + 1 = 2 values: 1, 1
    assert one("mean50", "paper") == pytest.approx(1.5)  # the smaller half, rounded up: 1, 2
    assert one("med", "reference-code") == 1
    assert one("med", "paper") == 2


@pytest.mark.parametrize("case", SPARSE)
def test_sparse_reconstruction_is_that_of_scikit_learn(case):
    found = reconstruction_residuals(np.array(case["query"]), np.array(case["track"])[None], case["alpha"])[:, 0]
    np.testing.assert_allclose(found, case["residual"], atol=1e-6)


def test_rscr_of_tracks():
    rng = np.random.default_rng(3)
    queries, gallery = tracks(rng, 4), tracks(rng, 6)
    images = image_to_track(queries.values, gallery, "RSCR")
    parts = np.split(images, queries.offsets[1:-1])
    code = track_to_track(queries, gallery, "RSCR", "med", definition="reference-code")
    np.testing.assert_allclose(code, [np.sqrt((part**2).sum(axis=0)) for part in parts], atol=1e-9)
    text = track_to_track(queries, gallery, "RSCR", "med")
    np.testing.assert_allclose(text, [np.median(part, axis=0) for part in parts], atol=1e-9)


@given(st.integers(0, 2**32 - 1))
def test_lasso_is_optimal(seed):
    rng = np.random.default_rng(seed)
    size, alpha = int(rng.integers(1, 8)), float(rng.uniform(0.05, 3))
    middle = rng.normal(size=10)
    track = middle + rng.choice([0.02, 0.3, 2.0]) * rng.normal(size=(size, 10))
    track[-1] = track[0]  # a still served twice
    y = middle + rng.normal(size=(3, 10))
    gram = np.repeat((track @ track.T)[None], 3, axis=0)
    weight = lasso(gram, y @ track.T, alpha)
    slope = (y - weight @ track) @ track.T
    assert (np.abs(slope) <= alpha + 1e-6).all()
    used = weight != 0
    np.testing.assert_allclose(slope[used], alpha * np.sign(weight[used]), atol=1e-6)


def test_zero_images_and_bad_penalties():
    still = reconstruction_residuals(np.ones((1, 3)), np.zeros((1, 2, 3)), 1.0)
    assert still[0, 0] == pytest.approx(np.sqrt(3))
    assert cosine_distances(np.zeros((1, 3)), np.ones((1, 3)))[0, 0] == 1
    with pytest.raises(InputError, match="penalty"):
        lasso(np.ones((1, 1, 1)), np.ones((1, 1)), 0.0)


def test_close_pairs_keep_their_digits():
    rng = np.random.default_rng(0)
    left = 30 * rng.random((5, 1920))
    right = left + 1e-7 * rng.normal(size=left.shape)
    expected = np.linalg.norm(left - right, axis=1)
    np.testing.assert_allclose(np.diag(euclidean_distances(left, right)), expected, rtol=1e-6)
    assert np.all(np.diag(euclidean_distances(left, left)) == 0)


def test_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(5)
    queries, gallery = tracks(rng, 11), tracks(rng, 13)
    whole = {metric: track_to_track(queries, gallery, metric) for metric in ("MED", "MCD", "RSCR")}
    monkeypatch.setattr("cctview.reid.distances._BLOCK", 60)
    for metric, expected in whole.items():
        np.testing.assert_allclose(track_to_track(queries, gallery, metric), expected, atol=1e-9)


def test_pooled_vectors_are_means_of_unit_vectors():
    ragged = Ragged.from_lengths(np.array([[2.0, 0], [0, 5], [0, 3]]), [2, 1])
    np.testing.assert_allclose(pooled(ragged), [[np.sqrt(0.5), np.sqrt(0.5)], [0, 1]])
    assert pooled(ragged[:0]).shape == (0, 2)


def test_no_tracks_and_bad_input():
    rng = np.random.default_rng(1)
    some = tracks(rng, 3)
    assert track_to_track(some, some[:0]).shape == (3, 0)
    with pytest.raises(InputError, match="did you mean 'MED'"):
        track_to_track(some, some, "MEED")
    with pytest.raises(InputError, match="mean50"):
        track_to_track(some, some, "MED", "mean5")
    with pytest.raises(InputError, match="gallery track 1 has no images"):
        track_to_track(some, Ragged.from_lengths(np.ones((2, 12)), [2, 0]))
    with pytest.raises(InputError, match="expected vectors"):
        track_to_track(some, tracks(rng, 2, width=5))
