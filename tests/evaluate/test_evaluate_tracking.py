import numpy as np
import pytest

from cctview.errors import FormatError, MissingError, SourceNotFoundError
from cctview.evaluate.links import read_links
from cctview.evaluate.tracking import evaluate_linked_tracking, evaluate_tracking
from cctview.evaluate.truth import read_track_truth
from cctview.formats.aicity import write_aicity
from cctview.formats.boxes import camera_boxes
from cctview.formats.mot import write_mot
from cctview.testing import roads
from cctview.tracking import track
from labels import frames_of, grouped, travellers, true_tracklets, write_coco_truth, write_links


@pytest.fixture(scope="module")
def scene():
    seen = roads.drive(roads.Scenery(cameras=("c1", "c2"), seconds=90, seed=3))
    return seen, frames_of(seen.detections), track(seen.detections, seen.embeddings)


@pytest.mark.parametrize("form", ["coco", "mot", "aicity"])
def test_the_truth_scores_one_from_any_file(scene, tmp_path, form):
    seen, frames, tracklets = scene
    if form == "coco":
        path = write_coco_truth(tmp_path / "truth.json", seen, frames)
    else:
        boxes = camera_boxes(frames, seen.detections, seen.identity + 1)
        path = tmp_path / "mot" if form == "mot" else tmp_path / "track1.txt"
        (write_mot if form == "mot" else write_aicity)(path, boxes)
    truth = read_track_truth(path, frames)
    assert not truth.skipped
    assert len(truth.boxes) == len(seen.detections)
    perfect = evaluate_tracking(truth, seen.detections, true_tracklets(seen, tracklets))
    assert set(perfect["cameras"]) == {"c1", "c2"}
    for name in ("HOTA", "IDF1", "MOTA"):
        assert perfect["all"][name] == pytest.approx(1)
    scores = evaluate_tracking(truth, seen.detections, tracklets)["all"]
    assert 0.5 < scores["IDF1"] <= 1
    assert scores["precision"] == pytest.approx(1)


def test_ignored_boxes_and_unlabelled_stills_count_neither_way(scene, tmp_path):
    seen, frames, tracklets = scene
    odd = set(range(0, len(seen.detections), 3))
    truth = read_track_truth(write_coco_truth(tmp_path / "t.json", seen, frames, ignored=odd), frames)
    perfect = evaluate_tracking(truth, seen.detections, true_tracklets(seen, tracklets))["all"]
    assert (perfect["recall"], perfect["precision"]) == (1, 1)
    half = frames[frames.camera == "c1"]
    rows = np.isin(seen.detections.frame, half.id)
    part = roads.Seen(detections=seen.detections[rows], embeddings=seen.embeddings[rows], identity=seen.identity[rows])
    truth = read_track_truth(write_coco_truth(tmp_path / "half.json", part, half), frames)
    scores = evaluate_tracking(truth, seen.detections, true_tracklets(seen, tracklets))
    assert list(scores["cameras"]) == ["c1"]
    assert scores["all"]["HOTA"] == pytest.approx(1)


def test_a_file_of_one_camera_fits_a_store_of_one_camera(scene, tmp_path):
    seen, frames, _ = scene
    boxes = camera_boxes(frames, seen.detections, seen.identity + 1)
    write_mot(tmp_path, boxes[boxes.camera == "c1"])
    one = frames[frames.camera == "c1"]
    (tmp_path / "c1.txt").rename(tmp_path / "other.txt")
    assert len(read_track_truth(tmp_path / "other.txt", one).boxes) == (boxes.camera == "c1").sum()
    with pytest.raises(MissingError, match="no camera 'other'"):
        read_track_truth(tmp_path / "other.txt", frames)
    told = read_track_truth(tmp_path / "other.txt", one[np.argsort(one.time)[:10]])
    assert "not in the store" in told.skipped[0]


def test_files_that_do_not_fit(scene, tmp_path):
    seen, frames, _ = scene
    with pytest.raises(SourceNotFoundError, match="not there"):
        read_track_truth(tmp_path / "none.json", frames)
    path = write_coco_truth(tmp_path / "t.json", seen, frames)
    with pytest.raises(MissingError, match="none of its"):
        read_track_truth(path, frames.replace(name=np.strings.add(frames.name, "x")))
    path.write_text(path.read_text().replace('"identity"', '"id2"'))
    with pytest.raises(FormatError, match="no identities"):
        read_track_truth(path, frames)


def test_a_file_of_which_nothing_counts_is_refused(scene, tmp_path):
    seen, frames, _ = scene
    path = write_coco_truth(tmp_path / "t.json", seen, frames, ignored=set(range(len(seen.detections))))
    with pytest.raises(FormatError, match="class 3 in MOT files"):
        read_track_truth(path, frames)


class Shelf:
    """A store of given tables."""

    def __init__(self, *tables):
        self.tables = {type(table): table for table in tables}

    def scan(self, kind):
        return self.tables[kind]


def test_another_store_may_be_the_truth(scene, tmp_path, monkeypatch):
    seen, frames, tracklets = scene
    (tmp_path / "commit.json").write_text("{}")
    early = seen.detections.time < frames.time.max() - np.timedelta64(30, "s")
    part = roads.Seen(detections=seen.detections[early], embeddings=None, identity=seen.identity[early])
    labelled = frames[np.isin(frames.id, part.detections.frame)]
    shelf = Shelf(labelled, part.detections, true_tracklets(part, tracklets))
    monkeypatch.setattr("cctview.evaluate.truth.open_store", lambda path: shelf)
    truth = read_track_truth(tmp_path, frames)
    assert truth.labelled.sum() == len(labelled)
    scores = evaluate_tracking(truth, seen.detections, true_tracklets(seen, tracklets))["all"]
    assert scores["HOTA"] == pytest.approx(1)
    moved = frames.replace(time=frames.time + np.timedelta64(1, "D"))
    with pytest.raises(MissingError, match="shares no still"):
        read_track_truth(tmp_path, moved)


def test_stills_of_one_second_are_told_apart(tmp_path, monkeypatch):
    seen = roads.drive(roads.Scenery(seconds=12, step_s=0.2))
    frames, tracklets = frames_of(seen.detections), track(seen.detections, seen.embeddings)
    true = true_tracklets(seen, tracklets)
    (tmp_path / "commit.json").write_text("{}")
    monkeypatch.setattr("cctview.evaluate.truth.open_store", lambda path: Shelf(frames, seen.detections, true))
    assert evaluate_tracking(read_track_truth(tmp_path, frames), seen.detections, true)["all"]["HOTA"] == pytest.approx(
        1
    )


def test_labelled_sightings_by_hand(scene, tmp_path):
    seen, _, tracklets = scene
    vehicles = travellers(seen, ("c1", "c2"), 8)
    links = read_links(write_links(tmp_path / "links.json", seen, vehicles))
    perfect = evaluate_linked_tracking(links, seen.detections, true_tracklets(seen, tracklets))
    assert perfect["all"]["IDF1"] == perfect["all"]["HOTA"] == pytest.approx(1)
    assert perfect["joined"]["c1"]["share"] == 1
    assert perfect["mixed"] == {"tracklets": 16, "share": 0.0}
    alone = grouped(seen, np.arange(len(seen.detections)), tracklets)
    split = evaluate_linked_tracking(links, seen.detections, alone)
    assert split["joined"]["c1"]["share"] == 0
    assert split["all"]["IDF1"] < 1
    lump = grouped(seen, np.unique(seen.detections.camera, return_inverse=True)[1], tracklets)
    assert evaluate_linked_tracking(links, seen.detections, lump)["mixed"] == {"tracklets": 2, "share": 1.0}
    none = read_links(write_links(tmp_path / "none.json", seen, []))
    assert evaluate_linked_tracking(none, seen.detections, tracklets)["cameras"] == {}
    nothing = evaluate_linked_tracking(links, seen.detections[:0], tracklets[:0])
    assert (nothing["all"]["IDF1"], nothing["joined"], nothing["mixed"]["tracklets"]) == (0, {}, 0)
