from dataclasses import replace

import numpy as np
import pytest
from scenes import PRIORS, a_lens, a_scene, on_road, sightings

from cctview.geometry import foot
from cctview.tracking.scene import even_step, scene_of, unit


def test_a_lens_believes_the_stamps_or_an_even_clock():
    lens = a_lens()
    seconds = np.array([1.0, 2.0, 2.7, 3.6, 5.0])
    assert lens.gaps(seconds, 1.0) is seconds
    even = replace(lens, step_s=1.7)
    assert even.gaps(seconds, 1.0).tolist() == pytest.approx([1.7, 1.7, 1.7, 3.4, 5.1])
    assert even.gaps(np.array([2.8]), 1.0).tolist() == pytest.approx([3.4])


def test_a_scene_numbers_its_stills():
    scene = a_scene(on_road([20.0, 30.0, 40.0], 0.0), [0, 0, 4])
    assert scene.still.tolist() == [0, 0, 1]
    assert scene.first.tolist() == [0, 2, 3]
    assert scene.crowd.tolist() == [2, 1]
    assert scene.clock.tolist() == [0.0, 4.0]
    assert len(scene) == 3


def test_places_are_metres_and_far_is_far():
    scene = a_scene(on_road([20.0, 40.0], 0.0), [0, 1])
    assert scene.depth[1] / scene.depth[0] == pytest.approx(2, rel=0.05)
    assert abs(scene.spot[1, 0] - scene.spot[0, 0]) == pytest.approx(scene.depth[1] - scene.depth[0], rel=0.1)
    assert scene.grain[1, 0] > 3 * scene.grain[0, 0]
    assert scene.small[1] < scene.small[0]


def test_shape_is_relative_to_what_is_usual():
    usual, tall = on_road([30.0], 0.0), on_road([30.0], 0.0, tall_m=3.0)
    scene = a_scene(np.concatenate([usual, tall]), [0, 1])
    assert scene.shape[0, 1] == pytest.approx(0, abs=0.05)
    assert scene.shape[1] - scene.shape[0] == pytest.approx([0, np.log(2)], abs=1e-5)


def test_boxes_tremble_by_pixels_and_by_height():
    scene = a_scene(on_road([30.0], 0.0), [0])
    (still_px, share), scale = PRIORS.tremble, a_lens().road.scale(foot(on_road([30.0], 0.0)))
    assert np.allclose(scene.noise, (scene.grain * (still_px + share * scale)[:, None]) ** 2)


def test_vectors_are_centred_and_of_unit_length():
    seen = sightings(on_road([30.0, 20.0], 0.0), [0, 1], vectors=[[1, 0], [0, 1]])
    lens = replace(a_lens(), mean=np.array([0.5, 0.5]))
    assert np.allclose(scene_of(seen, lens, PRIORS).vector, [[0.5**0.5, -(0.5**0.5)], [-(0.5**0.5), 0.5**0.5]])
    assert unit(np.array([[3.0, 4.0], [0.0, 0.0], [1e-7, 0.0]])).tolist() == [[0.6, 0.8], [0, 0], [0, 0]]


def test_the_step_of_even_stills_is_told_only_where_stamps_are_coarse():
    whole = [0, 2, 3, 5, 7, 9, 10, 12, 14, 15]
    seen = sightings(on_road([30.0] * 10, 0.0), whole)
    assert even_step(seen, PRIORS) == pytest.approx(15 / 9)
    fine = replace(seen, time=seen.time + np.int64(3e8))
    assert even_step(fine, PRIORS) == 0
    assert even_step(seen.rows(slice(0, 8)), PRIORS) == 0
    assert even_step(seen.rows(slice(0, 9)), PRIORS) == pytest.approx(14 / 8)


def test_pauses_do_not_count_and_slow_cameras_have_no_even_step():
    boxes = on_road([30.0] * 11, 0.0)
    paused = sightings(boxes, [*np.arange(10) * 2, 500])
    assert even_step(paused, PRIORS) == pytest.approx(2.0)
    assert even_step(sightings(boxes, np.arange(11) * 8), PRIORS) == pytest.approx(8.0)
    assert even_step(sightings(boxes, np.arange(11) * 9), PRIORS) == 0


def test_places_are_binned_by_nearness_and_lane():
    near, far, left, right = (
        np.unravel_index(a_scene(on_road([away], aside), [0]).bin[0], PRIORS.place_bins)
        for away, aside in ((10.0, 0.0), (90.0, 0.0), (30.0, -6.0), (30.0, 6.0))
    )
    assert near[0] > far[0]
    assert left[1] != right[1]
    assert left[0] == right[0]
    assert abs(int(left[1]) - int(right[1])) >= 4
    lane = a_scene(on_road([30.0], 0.0), [0]).bin[0] % PRIORS.place_bins[1]
    assert lane in (6, 7)
