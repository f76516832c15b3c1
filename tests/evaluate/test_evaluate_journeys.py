import numpy as np
import pytest

from cctview.evaluate.journeys import evaluate_journeys, evaluate_linked_journeys
from cctview.evaluate.links import read_links
from cctview.evaluate.truth import read_track_truth
from cctview.testing import roads
from cctview.tracking import track
from cctview.types import Journeys, Ragged
from labels import frames_of, travellers, true_tracklets, write_coco_truth, write_links

CAMERAS = ("c1", "c2", "c3")


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    folder = tmp_path_factory.mktemp("journeys")
    seen = roads.drive(roads.Scenery(cameras=CAMERAS, seconds=150, both_ways=False, seed=2, look_noise=0.1))
    frames = frames_of(seen.detections)
    truth = read_track_truth(write_coco_truth(folder / "truth.json", seen, frames), frames)
    links = read_links(write_links(folder / "links.json", seen, travellers(seen, CAMERAS, 10)))
    return seen, truth, links, true_tracklets(seen, track(seen.detections, seen.embeddings))


def chains(tracklets, members, probability):
    flat = np.concatenate([np.zeros(0, np.int64), *members])
    lengths = [len(part) for part in members]
    floats = Ragged.from_lengths(np.zeros(len(flat)), lengths)
    return Journeys(
        id=np.arange(len(members)), probability=np.array(probability, np.float32),
        members=Ragged.from_lengths(tracklets.id[flat.astype(int)], lengths),
        time=Ragged.from_lengths(tracklets.first_time[flat.astype(int)], lengths), lon=floats, lat=floats,
        speed=Ragged.from_lengths(np.zeros(len(flat), np.float32), lengths),
    )  # fmt: skip


def owners(seen, tracklets):
    """The vehicle of each tracklet's first member."""
    order = np.argsort(seen.detections.id)
    first = tracklets.members.values[tracklets.members.offsets[:-1]]
    return seen.identity[order[np.searchsorted(seen.detections.id[order], first)]]


def longest(seen, tracklets):
    """For each vehicle the longest tracklet at each camera, in order of the road."""
    who, size = owners(seen, tracklets), tracklets.members.lengths
    found = {}
    for vehicle in np.unique(who).tolist():
        rows = [np.flatnonzero((who == vehicle) & (tracklets.camera == camera)) for camera in CAMERAS]
        kept = [row[np.argmax(size[row])] for row in rows if len(row)]
        if len(kept) > 1:
            found[vehicle] = np.array(kept)
    return found


def test_true_journeys_score_one(scene):
    seen, truth, links, tracklets = scene
    true = list(longest(seen, tracklets).values())
    journeys = chains(tracklets, true, [1.0] * len(true))
    scores = evaluate_journeys(truth, seen.detections, tracklets, journeys).report()
    for name in ("step precision", "step recall", "journey precision", "IDF1"):
        assert scores[name] == pytest.approx(1), name
    assert scores["calibration error"] == 0
    linked = evaluate_linked_journeys(links, seen.detections, tracklets, journeys).report()
    assert (linked["step precision"], linked["step recall"], linked["true steps"]) == (1, 1, 20)
    assert 0 < linked["journeys judged"] == 10


def test_steps_right_and_wrong_by_hand(scene):
    seen, truth, links, tracklets = scene
    true = longest(seen, tracklets)
    whole = [vehicle for vehicle, rows in true.items() if len(rows) == 3]
    listed = [int(name[1:]) for name in links.name if int(name[1:]) in whole]
    a, b = listed[:2]
    swapped = np.array([true[a][0], true[b][1], true[b][2]])
    journeys = chains(tracklets, [true[a], swapped], [0.9, 0.6])
    scores = evaluate_journeys(truth, seen.detections, tracklets, journeys).report()
    assert (scores["steps judged"], scores["step precision"]) == (4, 0.75)
    assert (scores["journeys judged"], scores["journey precision"]) == (2, 0.5)
    assert scores["step recall"] == pytest.approx(3 / scores["true steps"])
    assert scores["calibration error"] == pytest.approx((0.1 + 0.6) / 2)
    linked = evaluate_linked_journeys(links, seen.detections, tracklets, journeys).report()
    assert (linked["steps judged"], linked["step precision"], linked["step recall"]) == (4, 0.75, 3 / 20)


def test_what_no_label_tells_of_is_not_judged(scene):
    seen, truth, links, tracklets = scene
    true = longest(seen, tracklets)
    listed = {int(name[1:]) for name in links.name}
    other = next(rows for vehicle, rows in true.items() if vehicle not in listed and len(rows) == 3)
    journeys = chains(tracklets, [other], [0.9])
    linked = evaluate_linked_journeys(links, seen.detections, tracklets, journeys).report()
    assert (linked["steps judged"], linked["journeys judged"], linked["calibration error"]) == (0, 0, 0)
    assert evaluate_journeys(truth, seen.detections, tracklets, journeys).report()["steps judged"] == 2


def test_no_journeys(scene):
    seen, truth, links, tracklets = scene
    scores = evaluate_journeys(truth, seen.detections, tracklets, Journeys.empty()).report()
    assert (scores["step recall"], scores["steps judged"], scores["step F1"]) == (0, 0, 0)
    assert 0 < scores["IDF1"] < 0.9
    linked = evaluate_linked_journeys(links, seen.detections, tracklets, Journeys.empty()).report()
    assert (linked["step recall"], linked["true steps"]) == (0, 20)
