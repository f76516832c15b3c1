import numpy as np
import pytest

from cctview.road.lanes import learn_lanes
from cctview.testing import roads
from cctview.tracking import track
from cctview.types import Breaks, Detections, Ragged, Tracklets

LANES_M = {"towards": (-2.0, -5.5), "away": (-12.0, -15.5)}


@pytest.fixture(scope="module")
def scene():
    seen = roads.drive(roads.Scenery(seconds=600, cameras=("c1", "c2")))
    return seen, track(seen.detections, seen.embeddings)


@pytest.fixture(scope="module")
def lanes(scene):
    seen, tracklets = scene
    return learn_lanes(tracklets, seen.detections)


def lines(found):
    """The centre lines, each (P, 2)."""
    return [np.column_stack([found[n : n + 1].x.values, found[n : n + 1].y.values]) for n in range(len(found))]


def metres_beside(line, lane):
    """How far the points of a line lie beside the middle of a true lane, from the projection of the road."""
    ahead = roads.FOCAL * roads.RISE / (line[:, 1] - 60)
    return np.abs((line[:, 0] - 260) * ahead / roads.FOCAL - 2 - lane)


def test_every_lane_of_a_road_is_found(lanes):
    assert np.unique(lanes.camera, return_counts=True)[1].tolist() == [4, 4]
    for camera in ("c1", "c2"):
        for way, at in LANES_M.items():
            here = lines(lanes[(lanes.camera == camera) & (lanes.heading == way)])
            nearest = [min(metres_beside(line, lane).mean() for line in here) for lane in at]
            assert max(nearest) < 0.3, (camera, way)


def test_lines_run_the_way_vehicles_drive(lanes):
    for line, way in zip(lines(lanes), lanes.heading, strict=True):
        assert (np.diff(line[:, 1]) > 0).all() == (way == "towards")
        assert len(line) == 8


def test_points_lie_in_even_steps_from_left_to_right(lanes):
    for line in lines(lanes):
        steps = np.hypot(*np.diff(line, axis=0).T)
        assert np.ptp(steps) < 0.15 * steps.mean()
    middles = np.array([line[:, 0].mean() for line in lines(lanes)])
    assert (np.diff(middles[lanes.camera == "c1"]) > 0).all()


def test_members_went_that_way_and_most_vehicles_are_one(scene, lanes):
    _, tracklets = scene
    heading = dict(zip(tracklets.id.tolist(), tracklets.heading.tolist(), strict=True))
    went = [heading[name] for name in lanes.members.values.tolist()]
    assert went == lanes.heading[lanes.members.row].tolist()
    assert len(set(lanes.members.values.tolist())) == len(went) > 0.6 * len(tracklets)


def test_speed_is_that_of_the_road(lanes):
    for line, speed in zip(lines(lanes), lanes.speed, strict=True):
        ahead = roads.FOCAL * roads.RISE / (line[:, 1] - 60)
        seconds = np.hypot(*np.diff(line, axis=0).T).sum() / speed
        assert np.ptp(ahead) / seconds == pytest.approx(18.0, rel=0.1)


def test_the_order_of_rows_does_not_matter(scene, lanes):
    seen, tracklets = scene
    rng = np.random.default_rng(3)
    again = learn_lanes(tracklets[rng.permutation(len(tracklets))], seen.detections)
    np.testing.assert_allclose(again.x.values, lanes.x.values, atol=0.5)
    assert again.heading.tolist() == lanes.heading.tolist()


def test_what_was_seen_before_the_camera_turned_does_not_count(scene, lanes):
    seen, tracklets = scene
    middle = roads.START + np.timedelta64(300, "s")
    turned = Breaks(camera=np.array(["c1", "c1"]), time=np.array([roads.START, middle]), kind=np.array(["turned"] * 2))
    later = learn_lanes(tracklets, seen.detections, turned)
    ids = tracklets.id[(tracklets.camera == "c1") & (tracklets.first_time < middle)]
    assert not np.isin(later.members.values, ids).any()
    assert np.isin(lanes.members.values, ids).any()
    assert (later.camera == "c1").sum() == (later.camera == "c2").sum() == 4


def test_other_breaks_change_nothing(scene, lanes):
    seen, tracklets = scene
    frozen = Breaks(camera=np.array(["c1"]), time=np.array([roads.START]), kind=np.array(["frozen"]))
    assert learn_lanes(tracklets, seen.detections, frozen) == lanes


def test_vehicles_that_go_against_the_flow_make_no_lane(scene, lanes):
    seen, tracklets = scene
    mixed = tracklets[tracklets.heading == "towards"][::12]
    reverse = mixed.replace(
        id=mixed.id + 1,
        heading=np.full(len(mixed), "away"),
        first_box=mixed.last_box,
        last_box=mixed.first_box,
    )
    both = Tracklets.concat([tracklets, reverse])
    assert len(reverse) > 30
    assert len(learn_lanes(both, seen.detections)) == len(lanes)


def test_lanes_too_close_to_tell_apart_are_one(scene):
    seen, tracklets = scene
    assert len(learn_lanes(*squeezed(tracklets, seen.detections))) == 2


def squeezed(tracklets, detections):
    """One camera of the scene with its lanes pushed together to a tenth of their distance."""
    middle = {"towards": -3.75, "away": -13.75}
    tracklets = tracklets[(tracklets.camera == "c1") & np.isin(tracklets.heading, list(middle))]
    way = dict(zip(tracklets.members.values.tolist(), tracklets.heading[tracklets.members.row].tolist(), strict=True))
    kept = detections[np.isin(detections.id, tracklets.members.values)]
    lane = np.array([middle[way[name]] for name in kept.id.tolist()])
    depth = roads.FOCAL * roads.RISE / (kept.box[:, 3] - 60)
    axis = 260 + roads.FOCAL * (lane + 2) / depth
    centre = (kept.box[:, 0] + kept.box[:, 2]) / 2
    shift = ((axis - centre) * 0.9)[:, None] * np.array([1, 0, 1, 0])
    return tracklets, kept.replace(box=(kept.box + shift).astype(np.float32))


def test_a_road_across_the_view_has_lanes_both_ways():
    found = learn_lanes(*across())
    assert found.heading.tolist() == ["across", "across"]
    right, left = sorted(lines(found), key=lambda line: line[0, 0])
    assert (np.diff(right[:, 0]) > 0).all()
    assert (np.diff(left[:, 0]) < 0).all()
    np.testing.assert_allclose(right[:, 1], 150, atol=2)
    np.testing.assert_allclose(left[:, 1], 110, atol=2)


def across():
    """Vehicles that pass from left to right at y = 150, and from right to left further away."""
    rng = np.random.default_rng(5)
    vehicles, boxes = 40, 6
    rightwards = np.arange(vehicles) % 2 == 0
    tall = np.where(rightwards, 24.0, 16.0)
    step = np.where(rightwards, 40.0, -40.0)
    x = (
        np.where(rightwards, 60.0, 290.0)[:, None]
        + rng.uniform(-15, 15, (vehicles, 1))
        + step[:, None] * np.arange(boxes)
    )
    foot = np.where(rightwards, 150.0, 110.0)[:, None] + rng.normal(0, 1, x.shape)
    half = tall[:, None] * np.ones(boxes)
    box = np.stack([x - half, foot - half, x + half, foot], axis=-1).reshape(-1, 4).astype(np.float32)
    seconds = (np.arange(vehicles)[:, None] * 10 + np.arange(boxes)).ravel()
    identity = np.repeat(np.arange(vehicles), boxes)
    return tracked(box, seconds, identity, "across")


def tracked(box, seconds, identity, heading):
    """Tables of the boxes (N, 4) of vehicles, in order of identity and time."""
    count, vehicles = len(box), identity.max() + 1
    first = np.searchsorted(identity, np.arange(vehicles))
    last = np.append(first[1:], count) - 1
    time = roads.START + seconds * np.timedelta64(10**9, "ns")
    detections = Detections(
        id=np.arange(1, count + 1),
        frame=np.arange(1, count + 1),
        camera=np.full(count, "c1"),
        time=time,
        rank=np.ones(count, np.int32),
        box=box,
        score=np.ones(count, np.float32),
        type=np.full(count, "car"),
    )
    tracklets = Tracklets(
        id=np.arange(1, vehicles + 1),
        camera=np.full(vehicles, "c1"),
        first_time=time[first],
        last_time=time[last],
        first_box=box[first],
        last_box=box[last],
        type=np.full(vehicles, "car"),
        heading=np.full(vehicles, heading),
        vector=np.tile(np.eye(1, 4, dtype=np.float32), (vehicles, 1)),
        spread=np.zeros(vehicles, np.float32),
        quality=np.ones(vehicles, np.float32),
        members=Ragged.grouped(detections.id, identity, vehicles),
    )
    return tracklets, detections


def test_few_vehicles_make_no_lane(scene):
    seen, tracklets = scene
    few = tracklets[tracklets.members.lengths > 3][:7]
    assert len(learn_lanes(few, seen.detections)) == 0
    assert len(learn_lanes(Tracklets.empty(), Detections.empty())) == 0


def test_members_that_are_gone_do_no_harm(scene, lanes):
    seen, tracklets = scene
    assert len(learn_lanes(tracklets, Detections.empty())) == 0
    assert len(learn_lanes(tracklets, seen.detections[::2])) > 0


@pytest.mark.parametrize("seed", range(8))
def test_boxes_without_order_do_no_harm(seed):
    rng = np.random.default_rng(seed)
    corner = rng.uniform(0, 300, (200, 2))
    box = np.concatenate([corner, corner + rng.uniform(4, 40, (200, 2))], axis=1).astype(np.float32)
    found = learn_lanes(*tracked(box, np.arange(200) % 5 * 2, np.repeat(np.arange(40), 5), "towards"))
    assert np.isfinite(found.x.values).all()


def test_moves_that_meet_no_station_make_no_lane():
    vehicles = 152
    place = np.repeat(np.linspace(30, 220, vehicles), 2) + np.tile([0, 1e-4], vehicles)
    half = np.tile([5.0, 10.0], vehicles)
    box = np.column_stack([place - half, place - 2 * half, place + half, place]).astype(np.float32)
    tables = tracked(box, np.arange(2 * vehicles), np.repeat(np.arange(vehicles), 2), "towards")
    assert len(learn_lanes(*tables)) == 0


@pytest.mark.parametrize("few", [1, 3])
def test_a_way_that_few_went_has_no_lane(few):
    tracklets, detections = across()
    heading = np.where(np.arange(len(tracklets)) < few, "towards", "across")
    assert set(learn_lanes(tracklets.replace(heading=heading), detections).heading.tolist()) == {"across"}
