from __future__ import annotations

import cv2
import numpy as np
import pytest
from store_samples import CAMERAS, SECOND, START, batch

from cctview.errors import InputError, PolicyError, SettingsError, StoreError
from cctview.privacy import broken_at
from cctview.store import SearchFilters, open_store
from cctview.store.colours import colour_of
from cctview.store.log import LOG
from cctview.types import VEHICLE_TYPES, Detections, Embeddings, Tracklets, rows_of

RGB = {
    "black": (20, 20, 20),
    "grey": (120, 120, 120),
    "white": (230, 230, 230),
    "red": (200, 30, 30),
    "orange": (230, 120, 20),
    "yellow": (230, 210, 30),
    "green": (30, 140, 60),
    "blue": (30, 60, 190),
}


@pytest.fixture
def road(store):
    store.append(batch(range(30), types=VEHICLE_TYPES))
    return store


def ask(store, vector, **more):
    return store.search(vector, purpose="a test", subject="a vector", **more)


def test_the_nearest_are_those_of_a_plain_comparison(road):
    vectors = road.scan(Embeddings)
    hits = ask(road, vectors.vector[7], top=25)
    distance = 1 - vectors.vector @ vectors.vector[7]
    assert hits.distance == pytest.approx(np.sort(distance)[:25], abs=2e-3)
    place = rows_of(vectors.detection, hits.detections.id)
    assert hits.distance == pytest.approx(distance[place], abs=2e-3)


def test_camera_and_time_are_filtered_before_the_ranking(road):
    vectors, boxes = road.scan(Embeddings), road.scan(Detections)
    filters = SearchFilters(camera=CAMERAS[2], after=START + 6 * SECOND, before=START + 18 * SECOND)
    wanted = boxes[(boxes.camera == CAMERAS[2]) & (boxes.time >= filters.after) & (boxes.time < filters.before)]
    hits = ask(road, vectors.vector[0], filters=filters, top=500)
    assert sorted(hits.detections.id.tolist()) == sorted(wanted.id.tolist())


@pytest.mark.parametrize("kind", VEHICLE_TYPES)
def test_types_are_filtered_without_losing_any(road, kind):
    boxes = road.scan(Detections)
    hits = ask(road, road.scan(Embeddings).vector[0], filters=SearchFilters(type=kind), top=60)
    assert set(hits.detections.type.tolist()) == {kind}
    assert len(hits.detections) == min(60, int((boxes.type == kind).sum()))


def test_colours_are_filtered(road):
    vector = road.scan(Embeddings).vector[0]
    every = ask(road, vector, top=150)
    seen = {colour: int((every.colour == colour).sum()) for colour in np.unique(every.colour).tolist()}
    for colour, count in seen.items():
        hits = ask(road, vector, filters=SearchFilters(colour=colour), top=150)
        assert len(hits.detections) == count
        assert set(hits.colour.tolist()) == {colour}


@pytest.mark.parametrize("colour", RGB)
def test_a_painted_box_has_its_colour(colour):
    image = np.full((60, 80, 3), 110, np.uint8)
    image[20:40, 30:60] = RGB[colour]
    still = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    assert colour_of(still, np.array([[30, 20, 60, 40], [0, 0, 20, 15]], np.float32)) == [colour, "grey"]


def test_every_search_is_in_the_log_and_only_those(road):
    vector = road.scan(Embeddings).vector[0]
    ask(road, vector, filters=SearchFilters(camera=CAMERAS[0], type="car"), top=3)
    ask(road, vector, top=2)
    with pytest.raises(PolicyError, match="purpose"):
        road.search(vector, purpose=" ", subject="a vector")
    with pytest.raises(InputError, match="top"):
        ask(road, vector, top=0)
    first, second = open_store(road.path).log()
    assert (first.purpose, first.subject, first.found) == ("a test", "a vector", 3)
    assert first.filters == {"camera": CAMERAS[0], "type": "car"}
    assert second.previous == first.hash
    assert broken_at(road.log()) is None


def test_a_line_that_was_half_written_is_replaced(road):
    vector = road.scan(Embeddings).vector[0]
    ask(road, vector)
    with (road.path / LOG).open("ab") as file:
        file.write(b'{"number": 2, "time')
    assert len(road.log()) == 1
    ask(road, vector)
    assert [entry.number for entry in road.log()] == [1, 2]
    assert broken_at(road.log()) is None


def test_a_line_changed_on_disk_is_seen(road):
    vector = road.scan(Embeddings).vector[0]
    for _ in range(3):
        ask(road, vector)
    file = road.path / LOG
    lines = file.read_text().splitlines(keepends=True)
    file.write_text(lines[0] + lines[1].replace("a test", "no test") + lines[2])
    assert broken_at(road.log()) == 2


def test_a_reader_cannot_search_unlogged(road):
    vector = road.scan(Embeddings).vector[0]
    with pytest.raises(StoreError, match="write=True"):
        ask(open_store(road.path), vector)


def test_an_empty_store_finds_nothing(store):
    assert len(ask(store, np.ones(16, np.float32) / 4).detections) == 0


@pytest.mark.parametrize("filters", [{"type": "person"}, {"type": "tank"}, {"colour": "plaid"}])
def test_filters_that_nothing_can_pass_are_refused(filters):
    with pytest.raises(SettingsError):
        SearchFilters(**filters)


def test_a_preview_removes_nothing_and_says_what_forgetting_does(full):
    before = full.summary()
    preview = full.preview(camera=CAMERAS[0])
    assert full.summary() == before
    gone = full.forget(camera=CAMERAS[0])
    assert (preview.rows, preview.pixels) == (gone.rows, gone.pixels)
    assert preview.proof is None


def test_indexed_tables_forget_and_find_as_others_do(full, monkeypatch):
    monkeypatch.setattr("cctview.store.lance.tables._MANY_ROWS", 1)
    full.append(batch(range(40, 44)))
    full.replace([full.scan(Tracklets)])
    boxes = full.scan(Detections)
    chosen = boxes[::5]
    again = open_store(full.path).scan(Detections, ids=chosen.id)
    assert sorted(again.id.tolist()) == sorted(chosen.id.tolist())
    assert any((full.path / "detections.lance" / "_indices").iterdir())
    gone = full.forget(ids=chosen.id[:3])
    assert gone.proof.found == 0
    assert gone.proof.found_before > 0
    left = full.scan(Detections)
    assert not np.isin(chosen.id[:3], left.id).any()
    assert len(left) == len(boxes) - 3
