import json
from pathlib import Path

import numpy as np
import pytest

from cctview.errors import InputError
from cctview.metrics.reid import count_reid
from cctview.reid.reranking import csls, k_reciprocal, local_scaling, seen_together
from cctview.table import Ragged

GOLDEN = json.loads((Path(__file__).parents[1] / "goldens" / "ranking.json").read_text(encoding="utf-8"))


@pytest.fixture
def apart():
    vectors = np.array(GOLDEN["vectors"])
    return np.linalg.norm(vectors[:, None] - vectors[None], axis=2), GOLDEN["queries"]


@pytest.mark.parametrize("setting", sorted(GOLDEN["reranked"]))
def test_re_ranks_as_torchreid_does(apart, setting):
    distance, split = apart
    k1, k2, share = (float(part) for part in setting.split(","))
    found = k_reciprocal(
        distance[:split, split:], distance[:split, :split], distance[split:, split:],
        k1=int(k1), k2=int(k2), original_share=share,
    )  # fmt: skip
    np.testing.assert_allclose(found, GOLDEN["reranked"][setting], atol=1e-6)


def test_chunks_change_nothing(apart, monkeypatch):
    distance, split = apart
    parts = distance[:split, split:], distance[:split, :split], distance[split:, split:]
    whole = k_reciprocal(*parts)
    monkeypatch.setattr("cctview.reid.reranking._BLOCK", 10)
    np.testing.assert_allclose(k_reciprocal(*parts), whole, atol=1e-12)


def test_neighbourhoods_find_what_single_distances_miss():
    # Two clusters, each a chain: the ends of a chain are far apart but share their neighbours.
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1], 20)
    middle = np.where(label, 3.0, 0.0)
    points = np.stack([np.tile(np.linspace(0, 6, 20), 2), middle], axis=1) + rng.normal(0, 0.05, (40, 2))
    distance = np.linalg.norm(points[:, None] - points[None], axis=2)
    queries, gallery = np.r_[0:3, 20:23], np.r_[3:20, 23:40]
    relevant = label[queries][:, None] == label[gallery]
    plain = count_reid(distance[np.ix_(queries, gallery)], relevant).mean_average_precision()
    moved = k_reciprocal(
        distance[np.ix_(queries, gallery)], distance[np.ix_(queries, queries)], distance[np.ix_(gallery, gallery)],
        k1=8, k2=3,
    )  # fmt: skip
    assert count_reid(moved, relevant).mean_average_precision() > plain


def hubs():
    """Every query is nearest to gallery entry 3, a little nearer than to its own."""
    distance = np.full((3, 4), 1.0)
    distance[np.arange(3), np.arange(3)] = 0.5
    distance[:, 3] = 0.45
    return distance


@pytest.mark.parametrize("corrected", [csls(hubs(), k=2), local_scaling(hubs(), k=2)])
def test_a_hub_loses_its_pull(corrected):
    assert hubs().argmin(axis=1).tolist() == [3, 3, 3]
    assert corrected.argmin(axis=1).tolist() == [0, 1, 2]


def test_csls_and_local_scaling_by_hand():
    distance = np.array([[0.2, 0.6], [0.4, 0.8]])
    np.testing.assert_allclose(csls(distance, k=1), [[0.4 - 0.2 - 0.2, 1.2 - 0.2 - 0.6], [0.8 - 0.4 - 0.2, 1.6 - 1.0]])
    expected = 1 - np.exp(-(distance**2) / np.array([[0.6 * 0.4, 0.6 * 0.8], [0.8 * 0.4, 0.8 * 0.8]]))
    np.testing.assert_allclose(local_scaling(distance, k=9), expected)


def test_two_boxes_of_one_still_are_two_vehicles():
    queries = Ragged.from_lengths(np.array([5, 6, 9]), [2, 1])
    gallery = Ragged.from_lengths(np.array([6, 7, 8, 9, 9]), [2, 1, 2])
    assert seen_together(queries, gallery).tolist() == [[True, False, False], [False, False, True]]


def test_nothing_to_rank_and_bad_shapes():
    none = np.zeros((0, 3))
    assert k_reciprocal(none, np.zeros((0, 0)), np.zeros((3, 3))).shape == (0, 3)
    assert csls(none).shape == local_scaling(none).shape == (0, 3)
    with pytest.raises(InputError, match="re-ranking"):
        k_reciprocal(np.zeros((2, 3)), np.zeros((2, 2)), np.zeros((2, 2)))
