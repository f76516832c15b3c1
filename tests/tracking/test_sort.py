import numpy as np
import pytest

from cctview.errors import SettingsError
from cctview.testing import roads
from cctview.testing.trackers import TrackerContract, membership
from cctview.tracking import SortPriors, SortSettings, SortTracker, sort, track
from cctview.types import Detections, Embeddings


class TestSortTracker(TrackerContract):
    def make(self):
        return SortTracker()


def rows(boxes, seconds):
    count = len(boxes)
    detections = Detections(
        id=np.arange(1, count + 1),
        frame=(np.array(seconds) * 10).astype(np.int64) + 100,
        camera=np.full(count, "c1"),
        time=roads.START + (np.array(seconds) * 1e9).astype("timedelta64[ns]"),
        rank=np.arange(1, count + 1, dtype=np.int32),
        box=np.array(boxes, np.float32),
        score=np.full(count, 0.9, np.float32),
        type=np.full(count, "car"),
    )
    vector = np.tile(np.float32([1, 0]), (count, 1))
    return detections, Embeddings(detection=detections.id, vector=vector, quality=np.full(count, 0.5, np.float32))


def found(boxes, seconds, *, settings=None, priors=None):
    return membership(track(*rows(boxes, seconds), SortTracker(settings or SortSettings(), priors or SortPriors())))


def box(x, y=100.0, size=40.0):
    return [x, y, x + size, y + size]


def test_a_steady_vehicle_is_followed_beyond_what_overlaps():
    """30 pixels a second: at one still a second the next box is met by overlap, two seconds on only by prediction."""
    drive = [box(30.0 * n) for n in (0, 1, 2, 3, 5)]
    assert found(drive, [0, 1, 2, 3, 5]) == [(1, 2, 3, 4, 5)]
    assert found([*drive[:4], box(90.0 - 60)], [0, 1, 2, 3, 5]) == [(1, 2, 3, 4), (5,)]


def test_uneven_stills_are_no_matter():
    seconds = [0, 0.5, 1.5, 1.75, 3.25]
    assert found([box(30.0 * second) for second in seconds], seconds) == [(1, 2, 3, 4, 5)]


def test_two_vehicles_that_meet_keep_their_ways():
    seconds = np.repeat(np.arange(7) * 0.5, 2)
    boxes = [one for n in range(7) for one in (box(20.0 * n), box(130 - 20.0 * n, 110))]
    assert sorted(found(boxes, seconds)) == [tuple(range(1, 15, 2)), tuple(range(2, 15, 2))]


def test_a_vehicle_is_given_up_after_seconds_and_stills():
    resting = [box(0), box(200), box(200), box(200), box(0)]
    seconds = [0, 1, 2, 3, 4]
    assert (1, 5) not in found(resting, seconds)
    assert (1, 5) in found(resting, seconds, settings=SortSettings(max_gap_s=4.0))
    assert (1, 5) in found(resting, seconds, settings=SortSettings(max_gap_stills=4))
    assert found([box(0), box(0)], [0, 50]) == [(1, 2)]


def test_what_overlaps_too_little_is_another_vehicle():
    pair = [box(0), box(30)]
    assert found(pair, [0, 1], settings=SortSettings(min_iou=0.1)) == [(1, 2)]
    assert found(pair, [0, 1], settings=SortSettings(min_iou=0.2)) == [(1,), (2,)]


def test_a_growing_box_is_expected_to_grow():
    sizes = 20 * 1.5 ** np.arange(5)
    boxes = [box(100 - size / 2, 100 - size / 2, size) for size in (*sizes[:4], sizes[4] * 1.5)]
    assert found(boxes, [0, 1, 2, 3, 5], settings=SortSettings(min_iou=0.35)) == [(1, 2, 3, 4, 5)]


@pytest.mark.parametrize(
    ("step", "heading"), [((0, 60), "towards"), ((0, -60), "away"), ((60, 5), "across"), ((0, 3), "still")]
)
def test_headings_are_those_of_the_image(step, heading):
    boxes = [
        [100 + n * step[0] / 6, 100 + n * step[1] / 6, 140 + n * step[0] / 6, 140 + n * step[1] / 6] for n in range(7)
    ]
    (tracklets,) = [track(*rows(boxes, np.arange(7) / 10), SortTracker())]
    assert tracklets.heading.tolist() == [heading]


def test_most_vehicles_are_followed_at_ten_stills_a_second_and_few_at_one_in_two():
    fast = roads.drive(roads.Scenery(seconds=30, step_s=0.1))
    recall, precision = roads.link_scores(fast, track(fast.detections, fast.embeddings, SortTracker()))
    assert recall > 0.95
    assert precision > 0.98
    slow = roads.drive(roads.Scenery(seconds=120, step_s=2.0))
    assert roads.link_scores(slow, track(slow.detections, slow.embeddings, SortTracker()))[0] < 0.5


@pytest.mark.parametrize("setting", [{"min_iou": 1.0}, {"max_gap_stills": 0}, {"max_gap_s": float("inf")}])
def test_impossible_settings_are_refused(setting):
    with pytest.raises(SettingsError, match=next(iter(setting))):
        SortSettings(**setting)


def test_a_box_is_four_numbers_and_back():
    boxes = np.array([[10.0, 20, 50, 40], [0, 0, 10, 30]])
    shape = sort._shape(boxes)
    assert shape[:, :2].tolist() == [[30, 30], [5, 15]]
    assert np.exp(shape[:, 2:]).ravel().tolist() == pytest.approx([800, 2, 300, 1 / 3])
    assert np.allclose(sort._corners(shape), boxes)


def test_noise_is_a_variance_in_heights_of_the_box():
    tracker = SortTracker(priors=SortPriors(place=0.05, shape=0.1))
    noise = tracker._noise(np.array([[0.0, 0, 80, 40]]))
    assert noise[0].tolist() == pytest.approx([2.0**2, 2.0**2, 0.1**2, 0.1**2])
