"""Pixels and truth agree: what a box says is where the picture changes."""

from __future__ import annotations

import numpy as np
import pytest

from cctview.sim.cameras.pose import beside_road
from cctview.sim.drawing.appearance import appearance
from cctview.sim.drawing.lighting import lighting
from cctview.sim.drawing.render import Placed, compose
from cctview.sim.drawing.scene import draw_scene
from cctview.sim.world.fleet import PERSON
from cctview.sim.world.road import winding


@pytest.fixture(scope="module")
def road():
    return winding(600.0, np.random.default_rng(1))


@pytest.fixture(scope="module", params=["day", "night"])
def stage(request, road):
    light = lighting(request.param, "clear", np.random.default_rng(0))
    camera = beside_road(road, 150.0, (352, 240), np.random.default_rng(3))
    return light, draw_scene(road, camera, light, 2, np.random.default_rng(4))


def placed(road, station, *objects) -> Placed:
    """Return objects given as (kind, length, metres ahead of the camera, offset, away from the camera)."""
    kind, length, ahead, offset, away = zip(*objects, strict=True)
    s, d = station + np.array(ahead, float), np.array(offset, float)
    return Placed(
        meshes=[appearance(k, size, 7, n) for n, (k, size) in enumerate(zip(kind, length, strict=True), start=1)],
        s=s,
        d=d,
        position=road.place(s, d),
        heading=road.heading(s) + np.where(away, 0.0, np.pi),
        speed=np.zeros(len(s)),
    )


def none_placed() -> Placed:
    nothing = np.zeros(0)
    return Placed(meshes=[], s=nothing, d=nothing, position=np.zeros((0, 2)), heading=nothing, speed=nothing)


def changed(scene, with_them, without) -> np.ndarray:
    return np.abs(with_them.astype(int) - without.astype(int)).max(axis=2) > 12


@pytest.mark.parametrize(
    "one",
    [(0, 4.7, 40.0, 2.9, True), (1, 4.8, 55.0, -6.4, False), (4, 7.5, 60.0, 9.8, True), (5, 11.5, 70.0, -2.9, False)],
)
def test_a_vehicle_changes_the_picture_inside_its_box_only(road, stage, one):
    light, scene = stage
    objects = placed(road, scene.camera.station, one)
    picture, extent = compose(scene, objects, light)
    assert extent.row.tolist() == [0]
    difference = changed(scene, picture, scene.lit)
    x0, y0, x1, y1 = extent.box[0] * scene.zoom
    inside = difference[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))]
    assert inside.mean() > 0.4
    if light.sun.max() > 0:
        margin = 1.2 * max(x1 - x0, y1 - y0)
        rows, columns = np.nonzero(difference)
        assert columns.min() > x0 - margin
        assert columns.max() < x1 + margin
        assert rows.min() > y0 - 3
        assert rows.max() < y1 + margin
    touched = np.flatnonzero(inside.any(axis=0)), np.flatnonzero(inside.any(axis=1))
    assert np.ptp(touched[0]) > 0.85 * (x1 - x0)
    assert np.ptp(touched[1]) > 0.75 * (y1 - y0)


def test_boxes_shrink_with_distance(road, stage):
    light, scene = stage
    boxes = [
        compose(scene, placed(road, scene.camera.station, (0, 4.7, far, 2.9, True)), light)[1].box
        for far in (30, 60, 120)
    ]
    heights = [float(box[0, 3] - box[0, 1]) for box in boxes]
    assert heights[0] > 1.6 * heights[1] > 2.5 * heights[2]


def test_what_stands_in_front_hides_what_is_behind(road, stage):
    light, scene = stage
    pair = placed(road, scene.camera.station, (0, 4.7, 60.0, -2.9, False), (5, 12.0, 48.0, -2.9, False))
    alone = compose(scene, pair.rows(np.array([0])), light)[1]
    both = compose(scene, pair, light)[1]
    shows = dict(zip(both.row.tolist(), both.visibility.tolist(), strict=True))
    assert shows.get(0, 0.0) < 0.6 * float(alone.visibility[0])
    assert shows[1] > 0.6


def test_boxes_bound_what_shows_and_whole_boxes_what_is_there(road, stage):
    light, scene = stage
    row = [(1, 4.8, far, offset, offset > 0) for far in (45.0, 52.0, 90.0) for offset in (-9.8, -2.9, 2.9, 9.8)]
    extent = compose(scene, placed(road, scene.camera.station, *row), light)[1]
    assert len(extent.row) > 6
    assert np.all(extent.box[:, :2] >= extent.whole[:, :2] - 1e-3)
    assert np.all(extent.box[:, 2:] <= extent.whole[:, 2:] + 1e-3)
    free = extent.visibility > 0.98
    np.testing.assert_allclose(extent.box[free], extent.whole[free], atol=1.0)
    assert free.any()
    assert not free.all()


def test_what_leaves_the_picture_is_cut_and_says_so(road, stage):
    light, scene = stage
    ahead = np.arange(0.0, 60.0, 1.0)
    extents = [compose(scene, placed(road, scene.camera.station, (1, 4.8, s, 6.4, True)), light)[1] for s in ahead]
    cut = [e for e in extents if len(e.row) and (e.box[0, 3] >= 240 or e.box[0, 0] <= 0 or e.box[0, 2] >= 352)]
    assert cut
    for extent in extents:
        assert np.all((extent.box >= 0) & (extent.box <= [352, 240, 352, 240]))
        assert np.all((extent.visibility > 0) & (extent.visibility <= 1))
    assert min(float(extent.visibility[0]) for extent in cut) < 0.8


def test_a_person_is_about_as_tall_as_the_lens_says(road, stage):
    light, scene = stage
    extent = compose(scene, placed(road, scene.camera.station, (PERSON, 0.0, 45.0, 16.0, True)), light)[1]
    if not len(extent.row):
        pytest.skip("this camera does not see the right walkway")
    x0, y0, x1, y1 = extent.box[0]
    upright = 1.7 * scene.camera.focal / 45
    assert 0.7 * upright < y1 - y0 < 1.4 * upright
    assert x1 - x0 < y1 - y0


def test_nothing_in_view_leaves_the_scene_alone(road, stage):
    light, scene = stage
    picture, extent = compose(scene, none_placed(), light)
    np.testing.assert_array_equal(picture, scene.lit)
    assert extent.box.shape == (0, 4)


def test_every_identity_looks_its_own_and_always_the_same():
    again = [appearance(0, 4.7, 7, identity) for identity in (1, 1, 2)]
    np.testing.assert_array_equal(again[0].colour, again[1].colour)
    np.testing.assert_array_equal(again[0].corners, again[1].corners)
    assert again[0].colour.shape != again[2].colour.shape or not np.array_equal(again[0].colour, again[2].colour)


@pytest.mark.parametrize("kind", range(PERSON + 1))
def test_shapes_are_closed_and_stand_on_the_ground(kind):
    length = {**dict.fromkeys((4, 5), 8.0), 6: 5.4, 7: 2.2}.get(kind, 4.7)
    for identity in range(20):
        mesh = appearance(kind, length, 3, identity)
        low, high = mesh.shell.min(axis=0), mesh.shell.max(axis=0)
        assert -0.01 < low[2] < 0.2
        assert 1.3 < high[2] < 3.8
        flat = mesh.corners.reshape(-1, 3)
        assert np.all(flat >= low - 0.08)
        assert np.all(flat <= high + 0.08)
        np.testing.assert_allclose(np.linalg.norm(mesh.normal, axis=1)[mesh.area > 1e-6], 1, atol=1e-6)
        if kind < PERSON:
            assert high[0] - low[0] == pytest.approx(length, abs=0.1)
            assert len(mesh.lamps) == (2 if kind == 7 else 4)
