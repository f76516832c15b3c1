import json

import numpy as np
import pytest

from cctview.errors import FormatError
from cctview.formats.ranking import read_track_features, write_ranking


def written(path, value):
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def test_tracks_are_read_with_their_images(tmp_path):
    path = written(tmp_path / "query.json", {"0002_c002": [[1, 2.5], [3, 4]], "7": [[5, 6]], "single": [7, 8]})
    names, images = read_track_features(path)
    assert names == ["0002_c002", "7", "single"]
    assert images.lengths.tolist() == [2, 1, 1]
    assert images.values.tolist() == [[1, 2.5], [3, 4], [5, 6], [7, 8]]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "holds no track"),
        ("[1]", "expected a JSON object"),
        ('{"a": [[NaN]]}', "not valid JSON"),
        ({"a": []}, "track 'a' has no images"),
        ({"a": "near"}, "track 'a' has no images"),
        ({"a": [[1, 2]], "b": [[1, 2], [1]]}, "track 'b', image 1: expected 2 numbers as in the first track, got 1"),
        ({"a": [[1, 2], 3]}, "track 'a', image 1: expected 2 numbers as in the first track, got int"),
        ({"a": [[]]}, "track 'a', image 0: expected 0 numbers"),
        ({"a": [[1, "2"]]}, "no number"),
        ({"a": [[1, True]]}, "no number"),
        ({"a": [[1, [2]]]}, "no number"),
    ],
)
def test_other_files_are_refused_by_place(tmp_path, value, message):
    with pytest.raises(FormatError, match=message):
        read_track_features(written(tmp_path / "odd.json", value))


def test_rankings_go_from_near_to_far_and_ties_by_name(tmp_path):
    distance = np.array([[0.5, 0.25, 0.5], [3, 2, 1]])
    write_ranking(
        tmp_path / "out.json", ["1_c1", "9"], ["2_z", "1_c2", "2_b"], distance, metric="MCD", aggregation="min"
    )
    assert json.loads((tmp_path / "out.json").read_text()) == {
        "metric": "MCD",
        "aggregation": "min",
        "tracks": {
            "1_c1": {
                "class": "1",
                "ranking": {
                    "1": {"id": "1_c2", "class": "1", "distance": 0.25},
                    "2": {"id": "2_b", "class": "2", "distance": 0.5},
                    "3": {"id": "2_z", "class": "2", "distance": 0.5},
                },
            },
            "9": {
                "class": "9",
                "ranking": {
                    "1": {"id": "2_b", "class": "2", "distance": 1.0},
                    "2": {"id": "1_c2", "class": "1", "distance": 2.0},
                    "3": {"id": "2_z", "class": "2", "distance": 3.0},
                },
            },
        },
    }
