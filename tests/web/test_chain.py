from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import cv2
import numpy as np
import pytest
from PIL import Image

from cctview.web.model.answers import Camera, Detection, Sighting, Tracklet
from cctview.web.model.chain import Chain, Leg, largest
from cctview.web.model.wording import Clock

NOON = datetime(2020, 5, 5, 16, tzinfo=UTC)
LEG = Leg(metres=500.0, seconds=28.0, probability=0.91)


def camera(name, lon=-73.97):
    empty = dict.fromkeys(("first_time", "last_time", "last_frame", "interval_s", "longest_gap_s"))
    place = {"lon": lon, "lat": 40.7 if lon else None, "heading_deg": 0.0}
    return Camera(id=name, name=f"Camera {name}", frames=1, tracklets=1, passages=1, **place, **empty)


def sighting(name, seconds):
    time = NOON + timedelta(seconds=seconds)
    boxes = tuple(
        Detection(
            id=f"{name}{n}", name=f"{name}-{n}", frame=f"f{name}{n}", camera=name, time=time + timedelta(seconds=n),
            type="car", score=0.9, box=(10.0, 10.0, 20.0 + 10 * n, 20.0), tracklet=name,
        )
        for n in range(2)
    )  # fmt: skip
    seen = Tracklet(id=name, camera=name, first_time=time, last_time=time, type="car", heading="away", quality=1.0)
    return Sighting(tracklet=seen, detections=boxes)


@pytest.fixture
def chain():
    return Chain(stations=(sighting("a", 0),)).onward(0, sighting("b", 28), LEG)


CAMERAS = {name: camera(name) for name in "abc"}


def test_a_chain_grows_at_both_ends(chain):
    longer = chain.back(0, sighting("c", -30), LEG)
    assert [station.tracklet.id for station in longer.stations] == ["c", "a", "b"]
    assert len(longer.legs) == 2


def test_going_on_from_the_middle_drops_what_came_after(chain):
    other = chain.onward(0, sighting("c", 40), LEG)
    assert [station.tracklet.id for station in other.stations] == ["a", "c"]
    assert other.legs == (LEG,)


def test_the_largest_box_stands_for_a_sighting():
    assert largest(sighting("a", 0)).id == "a1"


def test_a_leg_in_words():
    assert LEG.words() == "500 m · 28 s · 64 km/h · 91% sure"
    assert Leg(metres=None, seconds=200.0, probability=None).words() == "3 min 20 s"


def test_the_table_has_a_row_per_sighting(chain):
    rows = list(csv.DictReader(io.StringIO(chain.csv())))
    assert [(row["step"], row["detection"]) for row in rows] == [("1", "a-0"), ("1", "a-1"), ("2", "b-0"), ("2", "b-1")]
    assert rows[0]["time"] == "2020-05-05T16:00:00+00:00"


def test_the_map_has_a_line_and_a_point_per_station(chain):
    kinds = [feature["geometry"]["type"] for feature in json.loads(chain.geojson(CAMERAS))["features"]]
    assert kinds == ["LineString", "Point", "Point"]
    alone = json.loads(chain.geojson({**CAMERAS, "b": camera("b", None)}))
    assert [feature["geometry"]["type"] for feature in alone["features"]] == ["Point"]


def test_the_picture_is_a_column_of_stills(chain):
    still = cv2.imencode(".jpg", np.zeros((240, 352, 3), np.uint8))[1].tobytes()
    picture = Image.open(io.BytesIO(chain.picture(lambda _: still, CAMERAS, Clock("America/New_York"))))
    assert picture.height > 2 * 360
    boxed = np.array(picture).astype(int)
    assert (np.abs(boxed - (255, 143, 82)).sum(axis=2) < 30).any()
