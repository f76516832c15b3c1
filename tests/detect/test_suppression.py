from __future__ import annotations

import numpy as np
import pytest

from cctview import geometry
from cctview.detect.suppression import settled


def greedy(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> list[int]:
    kept: list[int] = []
    for i in np.argsort(-scores, kind="stable"):
        if all(geometry.iou(boxes[[i]], boxes[[j]])[0, 0] <= threshold for j in kept):
            kept.append(int(i))
    return kept


@pytest.mark.parametrize("seed", range(5))
def test_each_image_keeps_what_the_greedy_rule_keeps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 40, (120, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(5, 30, (120, 2))], 1).astype(np.float32)
    scores, image = rng.permutation(120).astype(np.float32), rng.integers(0, 4, 120)
    kept, same = settled(boxes, scores, image, 0.4, mean=False)
    for number in range(4):
        rows = np.flatnonzero(image == number)
        expected = rows[greedy(boxes[rows], scores[rows], 0.4)]
        assert kept[image[kept] == number].tolist() == expected.tolist()
    assert np.array_equal(same, boxes[kept])


def test_a_survivor_becomes_the_mean_of_what_it_beat() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 12], [50, 0, 60, 10]], np.float32)
    kept, voted = settled(boxes, np.array([0.75, 0.25, 0.5], np.float32), np.zeros(3, np.intp), 0.5, mean=True)
    assert kept.tolist() == [0, 2]
    assert voted == pytest.approx(np.array([[0, 0, 10, 10.5], [50, 0, 60, 10]]))


def test_a_box_beaten_by_a_beaten_one_stays() -> None:
    boxes = np.array([[0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]], np.float32)
    kept, _ = settled(boxes, np.array([0.9, 0.8, 0.7], np.float32), np.zeros(3, np.intp), 0.4, mean=False)
    assert kept.tolist() == [0, 2]


def test_nothing_settles_to_nothing() -> None:
    kept, boxes = settled(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.intp), 0.5, mean=True)
    assert kept.shape == (0,)
    assert boxes.shape == (0, 4)
