"""Which sightings are compared, and into which bin each pair falls."""

from dataclasses import replace

import numpy as np
import pytest
from scenes import PRIORS, a_scene, on_road

from cctview.tracking.pairs import Pairs, change_bins, grid_of, likeness, moves, pairs_between

GRID = grid_of(PRIORS)
ALONG, ACROSS = PRIORS.motion_bins


def one(gap=1.0):
    """The pair of the first two sightings."""
    return Pairs(np.array([0]), np.array([1]), np.array([gap]))


def of_two(first, second, **columns):
    """A scene of two sightings; what is asked for is set as it is."""
    scene = a_scene(np.concatenate([on_road(*first), on_road(*second)]), [0, 1])
    return replace(scene, **{name: np.array(value) for name, value in columns.items()})


def cell(scene, gap=1.0, priors=PRIORS):
    """Along and across, the bin of the movement of the first two sightings, and the logarithm of its ground."""
    found, ground = moves(scene, one(gap), grid_of(priors))
    assert found[0] // (ALONG * ACROSS) == scene.bin[0]
    along, across = divmod(int(found[0]) % (ALONG * ACROSS), ACROSS)
    return along, across, float(ground[0])


def still_at(spot, **more):
    """A scene of one vehicle at 0, 0 and one at ``spot``, without any trembling of boxes."""
    columns = {"spot": [[0.0, 0.0], spot], "grain": np.zeros((2, 2)), "depth": [0.0, 0.0]} | more
    return of_two((30.0, 0.0), (30.0, 0.0), **columns)


def test_all_of_one_still_meet_all_of_the_other():
    scene = a_scene(on_road([20.0, 25.0, 30.0, 35.0, 40.0, 45.0], 0.0), [0, 0, 1, 2, 2, 2])
    pairs = pairs_between(scene, np.array([0, 1]), np.array([1, 2]), np.array([1.5, 2.5]))
    assert list(zip(*(side.tolist() for side in pairs), strict=True)) == [
        (0, 2, 1.5),
        (1, 2, 1.5),
        (2, 3, 2.5),
        (2, 4, 2.5),
        (2, 5, 2.5),
    ]
    assert pairs.rows(np.array([1, 4])).j.tolist() == [2, 5]


def test_stills_may_meet_backwards_and_none_at_all():
    scene = a_scene(on_road([20.0, 25.0, 30.0], 0.0), [0, 0, 1])
    back = pairs_between(scene, np.array([1]), np.array([0]), np.array([1.0]))
    assert (back.i.tolist(), back.j.tolist()) == ([2, 2], [0, 1])
    none = pairs_between(scene, np.zeros(0, int), np.zeros(0, int), np.zeros(0))
    assert [len(side) for side in none] == [0, 0, 0]


def test_what_stays_falls_into_the_middle_bin():
    assert cell(still_at([0.0, 0.0]))[:2] == (ALONG // 2, ACROSS // 2)


def test_forwards_is_above_the_middle_and_backwards_as_far_below():
    for metres in (5.0, 15.0, 30.0):
        ahead, back = cell(still_at([metres, 0.0]))[0], cell(still_at([-metres, 0.0]))[0]
        assert ahead > ALONG // 2
        assert ahead + back == ALONG - 1
    right, left = cell(still_at([0.0, 3.0]))[1], cell(still_at([0.0, -3.0]))[1]
    assert right > ACROSS // 2
    assert right + left == ACROSS - 1


def test_a_bin_is_what_the_unit_makes_of_the_way():
    """Along, the unit is a third of what 25 m/s drive, and 0.3 m; the bins are even in its arcsinh."""
    unit = (PRIORS.motion_speed_mps * 2.0 + PRIORS.motion_slack_m) / PRIORS.motion_fine
    width = 2 * PRIORS.motion_reach[0] / ALONG
    for metres in (3.0, 12.0, 40.0):
        expected = int((np.arcsinh(metres / unit) + PRIORS.motion_reach[0]) / width)
        assert cell(still_at([metres, 0.0]), gap=2.0)[0] == expected
    aside = PRIORS.motion_aside[0]
    width = 2 * PRIORS.motion_reach[1] / ACROSS
    assert cell(still_at([0.0, 2.0]))[1] == int((np.arcsinh(2.0 / aside) + PRIORS.motion_reach[1]) / width)


def test_the_last_bins_hold_all_beyond():
    assert cell(still_at([1e6, 1e6]))[:2] == (ALONG - 1, ACROSS - 1)
    assert cell(still_at([-1e6, -1e6]))[:2] == (0, 0)


def test_bins_widen_with_time_with_trembling_and_across_with_depth():
    plain = cell(still_at([12.0, 1.5]))
    assert cell(still_at([12.0, 1.5]), gap=4.0)[0] < plain[0]
    assert cell(still_at([12.0, 1.5]), gap=4.0)[1] == plain[1]
    rough = cell(still_at([12.0, 1.5], grain=[[10.0, 1.0], [0.0, 0.0]]))
    assert (rough[0] < plain[0], rough[1] < plain[1]) == (True, True)
    far = cell(still_at([12.0, 1.5], depth=[90.0, 0.0]))
    assert (far[0] == plain[0], far[1] < plain[1]) == (True, True)


def test_it_is_the_first_sighting_that_says_how_wide_bins_are():
    plain = cell(still_at([12.0, 1.5]))
    assert cell(still_at([12.0, 1.5], grain=[[0.0, 0.0], [10.0, 1.0]], depth=[0.0, 90.0])) == plain


def test_the_ground_of_a_bin_is_what_its_corners_enclose():
    """By the way back from arcsinh: where bins begin and end, in metres."""
    along, across, ground = cell(still_at([6.0, 1.0]))
    units = (PRIORS.motion_speed_mps + PRIORS.motion_slack_m) / PRIORS.motion_fine, PRIORS.motion_aside[0]
    size = 1.0
    for n, count, reach, unit in zip((along, across), PRIORS.motion_bins, PRIORS.motion_reach, units, strict=True):
        edges = np.sinh(np.array([n, n + 1]) * (2 * reach / count) - reach) * unit
        size *= edges[1] - edges[0]
    assert np.exp(ground) == pytest.approx(size, rel=0.02)


def test_the_last_bins_along_are_far_larger_than_they_look():
    near, far = cell(still_at([1e6, 0.0])), cell(still_at([1e6, 0.0]), priors=replace(PRIORS, motion_beyond=0.0))
    assert near[:2] == far[:2]
    assert near[2] - far[2] == pytest.approx(PRIORS.motion_beyond)
    inner = still_at([6.0, 0.0])
    assert cell(inner)[2] == cell(inner, priors=replace(PRIORS, motion_beyond=0.0))[2]


def test_pairs_may_be_a_table_of_ends_and_rows():
    scene = a_scene(on_road([20.0, 25.0, 30.0, 35.0, 40.0], [0.0, 2.0, 0.0, 2.0, 0.0]), [0, 0, 1, 1, 1])
    ends, rows, gap = np.array([0, 1]), np.array([2, 3, 4]), np.array([1.0, 2.0])
    table = Pairs(ends[:, None], rows[None], gap[:, None])
    flat = Pairs(np.repeat(ends, 3), np.tile(rows, 2), np.repeat(gap, 3))
    for found, other in zip(moves(scene, table, GRID), moves(scene, flat, GRID), strict=True):
        assert np.array_equal(found.ravel(), other)
    for found, other in zip(change_bins(scene, table, GRID), change_bins(scene, flat, GRID), strict=True):
        assert np.array_equal(found.ravel(), other)
    assert np.allclose(likeness(scene, table).ravel(), likeness(scene, flat))


def changed(scene, priors=PRIORS):
    """Height and width, the bin of the change of the first two, and overlap and size, what it depends on."""
    flat, given = change_bins(scene, one(), grid_of(priors))
    (widths, heights), inner = priors.change_bins, int(np.prod(priors.change_bins))
    height, width = divmod(int(flat[0]) % inner, widths)
    assert flat[0] // inner == given[0]
    assert (0 <= height < heights, 0 <= width < widths) == (True, True)
    return height, width, *divmod(int(given[0]), priors.small_bins)


def shaped(width, height):
    """A scene of a vehicle that becomes so much wider and higher, in logarithms."""
    return of_two((30.0, 0.0), (20.0, 0.0), shape=[[0.0, 0.0], [width, height]])


def test_growing_is_above_the_middle_shrinking_below():
    widths, heights = PRIORS.change_bins
    assert changed(shaped(0.0, 0.0))[:2] == (heights // 2, widths // 2)
    assert changed(shaped(0.35, 0.0))[:2] == (heights // 2, widths // 2 + 3)
    assert changed(shaped(0.0, 0.35))[:2] == (heights // 2 + 3, widths // 2)
    assert changed(shaped(-0.35, -0.15))[:2] == (heights // 2 - 2, widths // 2 - 4)
    assert changed(shaped(9.0, -9.0))[:2] == (0, widths - 1)


def test_unlike_numbers_of_bins_for_width_and_height():
    priors = replace(PRIORS, change_bins=(10, 30))
    assert changed(shaped(9.0, -9.0), priors)[:2] == (0, 9)
    assert changed(shaped(-9.0, 9.0), priors)[:2] == (29, 0)
    assert changed(shaped(0.0, 0.5), priors)[:2] == (22, 5)


@pytest.mark.parametrize(
    ("shift", "cut", "state"),
    [
        (200, (0, 0), 0),
        (200, (1, 0), 1),
        (200, (0, 1), 1),
        (200, (1, 1), 1),
        (6, (0, 0), 2),
        (6, (1, 1), 2),
        (1, (0, 0), 3),
    ],
)
def test_boxes_lie_apart_cut_touching_or_on_each_other(shift, cut, state):
    """Boxes 10 wide: a shift of 6 overlaps by a quarter, of 1 by 9/11."""
    box = np.array([[0.0, 0, 10, 10], [shift, 0, 10 + shift, 10]])
    scene = of_two((30.0, 0.0), (30.0, 0.0), box=box, cut=np.array(cut, bool), small=[2, 2])
    assert changed(scene)[2:] == (state, 2)


def test_the_smaller_place_counts():
    assert changed(of_two((30.0, 0.0), (30.0, 0.0), small=[1, 4]))[3] == 1
    assert changed(of_two((30.0, 0.0), (30.0, 0.0), small=[4, 3]))[3] == 3


def test_likeness_is_the_cosine_distance():
    scene = of_two((30.0, 0.0), (30.0, 0.0), vector=[[1.0, 0.0], [0.6, 0.8]])
    assert likeness(scene, one()).tolist() == pytest.approx([0.4])


def test_many_pairs_are_compared_in_pieces():
    count = 10_000
    rng = np.random.default_rng(1)
    scene = of_two((30.0, 0.0), (30.0, 0.0), vector=[[1.0, 0.0], [0.6, 0.8]])
    j = rng.integers(0, 2, count)
    found = likeness(scene, Pairs(np.zeros(count, int), j, np.ones(count)))
    assert np.allclose(found, np.where(j, 0.4, 0.0))
