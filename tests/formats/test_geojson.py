import json

import numpy as np
import pytest
from test_tabular import journeys, tracklets

from cctview.errors import TableError
from cctview.formats.geojson import write_journeys
from cctview.types import Journeys, Tracklets


def test_a_line_for_each_journey(tmp_path):
    three = tracklets([[10, 11], [12], [14]])
    out = tmp_path / "lines.geojson"
    assert write_journeys(out, journeys(), three, "America/New_York") == 2
    first, second = json.loads(out.read_text())["features"]
    assert first["geometry"] == {"type": "LineString", "coordinates": [[1.0, 1.0], [2.0, 2.0]]}
    assert first["id"] == "0000000000000005"
    assert second["properties"]["probability"] == 0.25
    assert second["properties"]["speeds"] == [1.0, 1.0, 1.0]
    assert second["properties"]["tracklets"] == [f"{number:016x}" for number in (1000, 1001, 1002)]
    assert first["properties"]["times"] == ["2020-05-05T13:34:29-04:00", "2020-05-05T13:34:30-04:00"]
    assert first["properties"]["cameras"] == three.camera[[1, 0]].tolist()


def test_no_journeys_are_still_a_collection(tmp_path):
    assert write_journeys(tmp_path / "none.geojson", Journeys.empty(), Tracklets.empty()) == 0
    assert json.loads((tmp_path / "none.geojson").read_text()) == {"type": "FeatureCollection", "features": []}


def test_a_member_from_elsewhere_is_refused(tmp_path):
    with pytest.raises(TableError, match="not among"):
        write_journeys(tmp_path / "x.geojson", journeys(), tracklets([[1]]))
    assert not np.any([path.suffix == ".geojson" for path in tmp_path.iterdir()])
