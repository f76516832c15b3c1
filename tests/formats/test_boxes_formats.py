import json
from contextlib import suppress

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctview.errors import FormatError
from cctview.formats.aicity import read_aicity, write_aicity
from cctview.formats.boxes import Boxes, camera_boxes, frame_numbers, track_numbers
from cctview.formats.coco import read_coco_boxes, write_coco
from cctview.formats.mot import read_mot, write_mot
from cctview.formats.veri import read_veri, write_veri
from cctview.testing import roads
from cctview.tracking import track
from cctview.types import Journeys, Ragged
from labels import frames_of


@pytest.fixture(scope="module")
def scene():
    seen = roads.drive(roads.Scenery(cameras=("c1", "c2"), seconds=60))
    tracklets = track(seen.detections, seen.embeddings)
    return frames_of(seen.detections), seen.detections, tracklets


@pytest.fixture(scope="module")
def tracked(scene):
    frames, detections, tracklets = scene
    return camera_boxes(frames, detections, track_numbers(detections, tracklets))


def same(left, right):
    """Whether two tables hold the same boxes of the same objects, in any order, up to a thousandth of a pixel."""
    one, other = (table[np.lexsort((table.identity, table.frame, table.camera))] for table in (left, right))
    named = all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ("camera", "frame", "identity"))
    return named and np.allclose(one.box, other.box, atol=1e-3)


def test_stills_are_numbered_per_camera_in_time(scene):
    frames, _, _ = scene
    numbers = frame_numbers(frames)
    for camera in ("c1", "c2"):
        mine = frames.camera == camera
        assert numbers[mine][np.argsort(frames.time[mine])].tolist() == list(range(1, mine.sum() + 1))


def test_identities_are_those_of_tracklets_or_journeys(scene):
    frames, detections, tracklets = scene
    numbers = track_numbers(detections, tracklets)
    members = tracklets.members
    first = {int(name): n for n, name in enumerate(detections.id.tolist())}
    assert all(numbers[first[int(name)]] == row + 1 for name, row in zip(members.values, members.row, strict=True))
    pair = tracklets.id[:2]
    zeros = Ragged.from_lengths(np.zeros(2), [2])
    journey = Journeys(
        id=[5], probability=[0.9], members=Ragged.from_lengths(pair, [2]), lon=zeros, lat=zeros,
        time=Ragged.from_lengths(np.zeros(2, "datetime64[ns]"), [2]),
        speed=Ragged.from_lengths(np.zeros(2, np.float32), [2]),
    )  # fmt: skip
    numbers = track_numbers(detections, tracklets, journey)
    assert (numbers > 0).sum() == members.lengths[:2].sum()
    assert len(camera_boxes(frames, detections, numbers)) == members.lengths[:2].sum()
    assert len(camera_boxes(frames, detections)) == len(detections)


def test_mot_files_come_back(tracked, tmp_path):
    assert [path.name for path in write_mot(tmp_path, tracked)] == ["c1.txt", "c2.txt"]
    back = read_mot(tmp_path)
    assert not back.skipped
    assert same(back.boxes, tracked)
    first = (tmp_path / "c1.txt").read_text().splitlines()[0].split(",")
    assert len(first) == 10
    assert first[-3:] == ["-1", "-1", "-1"]


def test_mot_detections_have_no_identity(scene, tmp_path):
    frames, detections, _ = scene
    write_mot(tmp_path, camera_boxes(frames, detections))
    assert set(read_mot(tmp_path / "c1.txt").boxes.identity.tolist()) == {0}


def test_mot_ground_truth_has_classes_and_ignored_rows(tmp_path):
    path = tmp_path / "seq-1" / "gt" / "gt.txt"
    path.parent.mkdir(parents=True)
    path.write_text(
        "1,9,218.01,193.70,51.06,65.26,1,bus,1\n1,2,0,0,10,10,0,3,0.5\n\n2,2,0,0,10,10,1,8,1\n2,3,0,0,9,9,1,4,1\n"
    )
    boxes = read_mot(tmp_path).boxes
    assert boxes.camera.tolist() == ["seq-1"] * 4
    assert boxes.type.tolist() == ["bus", "car", "car", "bicycle"]
    assert boxes.ignored.tolist() == [False, True, True, False]
    assert boxes.box[0].tolist() == pytest.approx([218.01, 193.7, 269.07, 258.96])


def test_ai_city_files_come_back_with_the_names_of_cameras(tracked, tmp_path):
    write_aicity(tmp_path / "track1.txt", tracked)
    back = read_aicity(tmp_path / "track1.txt")
    assert not back.skipped
    assert same(back.boxes, tracked)
    (tmp_path / "track1.cameras.json").unlink()
    assert set(read_aicity(tmp_path / "track1.txt").boxes.camera.tolist()) == {"1", "2"}


def test_coco_files_come_back_whole(scene, tracked, tmp_path):
    frames, _, _ = scene
    write_coco(tmp_path / "boxes.json", tracked, frames)
    back, stills = read_coco_boxes(tmp_path / "boxes.json")
    assert sorted(stills) == sorted(frames.name.tolist())
    assert sorted(back.boxes.still.tolist()) == sorted(tracked.still.tolist())
    columns = ["identity", "type", "still", "ignored"]
    for name in columns:
        assert sorted(getattr(back.boxes, name).tolist()) == sorted(getattr(tracked, name).tolist())
    np.testing.assert_allclose(np.sort(back.boxes.box, axis=0), np.sort(tracked.box, axis=0), atol=1e-3)
    np.testing.assert_allclose(np.sort(back.boxes.score), np.sort(tracked.score), atol=1e-5)


def test_coco_identities_may_be_words(tmp_path):
    document = {
        "images": [{"id": 7, "file_name": "images/a--2020-05-05--13.00.00--original.jpeg", "frame": 3}],
        "categories": [{"id": 1, "name": "car"}, {"id": 2, "name": "kite"}],
        "annotations": [
            {"image_id": 7, "category_id": 1, "bbox": [0, 0, 2, 2], "track_id": "clip#8", "iscrowd": 1},
            {"image_id": 7, "category_id": 1, "bbox": [5, 5, 2, 2], "track_id": "clip#9"},
            {"image_id": 7, "category_id": 2, "bbox": [5, 5, 2, 2]},
            {"image_id": 8, "category_id": 1, "bbox": [5, 5, 2, 2]},
            {"image_id": 7, "category_id": 1, "bbox": [5, 5, 0, 2]},
        ],
    }
    path = tmp_path / "coco.json"
    path.write_text(json.dumps(document))
    back, stills = read_coco_boxes(path)
    assert stills == ["a--2020-05-05--13.00.00"]
    assert (back.boxes.camera.tolist(), back.boxes.frame.tolist()) == (["a", "a"], [3, 3])
    assert (back.boxes.identity.tolist(), back.boxes.ignored.tolist()) == ([1, 2], [True, False])
    assert len(back.skipped) == 3
    assert "1 of the category 'kite'" in back.skipped[-1]
    document["images"][0]["frame"] = -3
    path.write_text(json.dumps(document))
    with pytest.raises(FormatError, match="no annotation can be used"):
        read_coco_boxes(path)
    for text in ("{}", '{"images": 3, "categories": [], "annotations": []}'):
        path.write_text(text)
        with pytest.raises(FormatError, match="not a COCO file"):
            read_coco_boxes(path)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1,2,3", "at least 6 fields"),
        ("x,1,0,0,5,5", "could not convert"),
        ("1.5,1,0,0,5,5", "whole number"),
        ("-1,1,0,0,5,5", "whole number from 0"),
        ("1,-2,0,0,5,5", "whole number from -1"),
        ("1,1,0,0,-5,5", "a box of -5 x 5"),
        ("1,1,nan,0,5,5", "not finite"),
        ("1,1,0,0,1e400,5", "not finite"),
        ("1,1,0,0,5,5,1,submarine,1", "could not convert"),
        ("9" * 400 + ",1,0,0,5,5", "line 2"),
    ],
)
def test_broken_mot_lines_are_counted_and_named(tmp_path, line, reason):
    path = tmp_path / "c.txt"
    path.write_text("1,1,0,0,5,5,0.5,-1,-1,-1\n" + line + "\n")
    back = read_mot(path)
    assert len(back.boxes) == 1
    assert len(back.skipped) == 1
    assert "c.txt, line 2" in back.skipped[0]
    assert reason in back.skipped[0]
    path.write_text(line + "\n")
    with pytest.raises(FormatError, match="no line can be used"):
        read_mot(path)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_readers(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("bytes") / "odd.txt"
    path.write_bytes(data)
    for read in (read_mot, read_aicity, read_coco_boxes):
        with suppress(FormatError):  # and nothing else
            read(path)


def test_empty_and_missing_files(tmp_path):
    (tmp_path / "empty.txt").write_text("")
    assert len(read_mot(tmp_path / "empty.txt").boxes) == 0
    with pytest.raises(FormatError, match="cannot be read"):
        read_mot(tmp_path / "none.txt")
    (tmp_path / "folder").mkdir()
    with pytest.raises(FormatError, match="no MOT files"):
        read_mot(tmp_path / "folder")
    (tmp_path / "bad.txt").write_text("1 2 3\n1 1 1 0 0 9 9 -1 -1\n")
    assert len(read_aicity(tmp_path / "bad.txt").skipped) == 1


def picture(value):
    return cv2.imencode(".jpg", np.full((240, 352, 3), value, np.uint8))[1].tobytes()


def test_veri_folders_come_back(scene, tracked, tmp_path):
    frames, _, _ = scene
    stills = [(name, picture(120)) for name in frames.name.tolist()]
    count = write_veri(tmp_path, tracked, stills)
    test, query = read_veri(tmp_path, "test"), read_veri(tmp_path, "query")
    assert count == len(tracked) == len(test.path)
    assert not test.skipped
    expected = sorted(zip(tracked.identity.tolist(), tracked.frame.tolist(), strict=True))
    assert sorted(zip(test.vehicle.tolist(), test.frame.tolist(), strict=True)) == expected
    assert json.loads((tmp_path / "cameras.json").read_text()) == {"c001": "c1", "c002": "c2"}
    seen = set(zip(test.vehicle.tolist(), test.camera.tolist(), strict=True))
    assert set(zip(query.vehicle.tolist(), query.camera.tolist(), strict=True)) == seen
    assert len(query.path) == len(seen) == len((tmp_path / "test_track.txt").read_text().splitlines())
    crop = cv2.imread(str(test.path[0]))
    row = np.flatnonzero((tracked.identity == test.vehicle[0]) & (tracked.frame == test.frame[0]))[0]
    assert np.allclose(crop.shape[:2], (tracked.box[row, 2:] - tracked.box[row, :2])[::-1], atol=1.01)


def test_veri_without_pixels_or_with_strange_names(tracked, tmp_path):
    assert write_veri(tmp_path, tracked, [(tracked.still[0], b""), (tracked.still[1], b"no picture")]) == 0
    with pytest.raises(FormatError, match="image_test"):
        read_veri(tmp_path, "test")
    images = tmp_path / "image_test"
    images.mkdir()
    with pytest.raises(FormatError, match="no crop of test can be used"):
        read_veri(tmp_path, "test")
    (tmp_path / "name_test.txt").write_text("0002_c002_00030600_0.jpg\n../../etc/passwd\n0003_c002_00030600_0.jpg\n")
    (images / "0002_c002_00030600_0.jpg").write_bytes(picture(3))
    found = read_veri(tmp_path, "test")
    assert (found.vehicle.tolist(), found.camera.tolist(), found.frame.tolist()) == ([2], [2], [30600])
    assert len(found.skipped) == 2
    (tmp_path / "name_test.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match="list of names"):
        read_veri(tmp_path, "test")
    with pytest.raises(FormatError, match="image_gallery"):
        read_veri(tmp_path, "gallery")


def test_nothing_is_written_for_nothing(tmp_path):
    assert write_mot(tmp_path, Boxes.empty()) == []
    write_aicity(tmp_path / "a.txt", Boxes.empty())
    assert len(read_aicity(tmp_path / "a.txt").boxes) == 0


def test_files_beyond_reason_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("cctview.formats.boxes._MOST_BYTES", 10)
    monkeypatch.setattr("cctview.formats.veri._MOST_NAMES_BYTES", 10)
    (tmp_path / "c.txt").write_text("1,1,0,0,5,5,0.5,-1,-1,-1\n")
    with pytest.raises(FormatError, match="refused, larger"):
        read_mot(tmp_path / "c.txt")
    (tmp_path / "image_test").mkdir()
    (tmp_path / "name_test.txt").write_text("0002_c002_00030600_0.jpg\n")
    with pytest.raises(FormatError, match="refused, larger"):
        read_veri(tmp_path, "test")


def coco(path, names, tracks):
    """Write one still with one box per track, of categories that go round."""
    marks = [
        {"image_id": 0, "category_id": n % len(names), "bbox": [9 * n, 0, 5, 5], "track_id": track}
        for n, track in enumerate(tracks)
    ]
    document = {
        "images": [{"id": 0, "file_name": "a--2020-05-05--13.00.00.jpeg"}],
        "categories": [{"id": n, "name": name} for n, name in enumerate(names)],
        "annotations": marks,
    }
    path.write_text(json.dumps(document))
    return read_coco_boxes(path)[0]


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ([0, 1, 2], [3, 1, 2]),
        ([0, 0, 7], [8, 8, 7]),
        ([-1, 4, None], [0, 4, 0]),
        ([0], [1]),
        (["a", "b", "a"], [1, 2, 1]),
        (["a", 3, 0, "b"], [4, 3, 5, 6]),
        ([2.0, 1.0], [2, 1]),
    ],
)
def test_a_coco_identity_may_be_0_or_a_word_and_no_two_objects_become_one(tmp_path, given, read):
    assert coco(tmp_path / "c.json", ["car"], given).boxes.identity.tolist() == read


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_mot_files_count_from_0_or_from_1(tmp_path, mark):
    lines = [(0, 0, 10), (0, 3, 30), (1, 0, 12), (4, -1, 50)]
    for first, name in ((0, "zero"), (1, "one")):
        text = "".join(f"{frame + first},{track},{x},0,5,5,1,3,1\n" for frame, track, x in lines)
        (tmp_path / f"{name}.txt").write_text(mark + text)
    zero, one = (read_mot(tmp_path / f"{name}.txt", "c").boxes for name in ("zero", "one"))
    assert zero == one
    assert zero.frame.tolist() == [1, 1, 2, 5]
    assert zero.identity.tolist() == [4, 3, 4, 0]


def test_a_folder_of_mot_files_counts_from_0_when_one_of_them_does(tmp_path):
    (tmp_path / "a.txt").write_text("0,1,0,0,5,5\n")
    (tmp_path / "b.txt").write_text("7,1,0,0,5,5\n")
    boxes = read_mot(tmp_path).boxes
    assert dict(zip(boxes.camera.tolist(), boxes.frame.tolist(), strict=True)) == {"a": 1, "b": 8}


def test_ai_city_files_count_from_0_too(tmp_path):
    (tmp_path / "a.txt").write_text("1 0 0 10 0 5 5 -1 -1\n1 2 3 10 0 5 5 -1 -1\n")
    boxes = read_aicity(tmp_path / "a.txt").boxes
    assert (boxes.frame.tolist(), boxes.identity.tolist()) == ([1, 4], [3, 2])


@pytest.mark.parametrize(
    ("names", "types"),
    [
        (["Car", "VAN", "Vehicle", " taxi ", "pick-up_truck", "SUVs"], "car"),
        (["Lorry", "HGV", "trailer-truck", "Trucks", "vehicle.truck"], "truck"),
        (["Buses", "Coach", "vehicle.bus.rigid", "Minibus"], "bus"),
        (["Motorbike", "moped", "vehicle.motorcycle", "Motor"], "motorcycle"),
        (["Bike", "Cyclist", "BICYCLES"], "bicycle"),
        (["Pedestrian", "human.pedestrian", "People", "Person_sitting"], "person"),
    ],
)
def test_categories_are_known_by_their_usual_names_in_any_case(tmp_path, names, types):
    found = coco(tmp_path / "c.json", names, list(range(1, len(names) + 1)))
    assert found.skipped == ()
    assert set(found.boxes.type.tolist()) == {types}
    assert len(found.boxes) == len(names)


def test_categories_that_are_not_known_are_counted_and_all_of_them_are_an_error(tmp_path):
    found = coco(tmp_path / "c.json", ["car", "tram", "carrot"], [1, 2, 3, 4, 5])
    assert len(found.boxes) == 2
    assert [text.partition(": ")[2] for text in found.skipped] == [
        "2 of the category 'tram', which is none of ours",
        "1 of the category 'carrot', which is none of ours",
    ]
    with pytest.raises(FormatError, match=r"no annotation can be used.*'tram'.*ours are"):
        coco(tmp_path / "c.json", ["tram"], [1, 2])
