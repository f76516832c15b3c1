from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctview.errors import InputError, TableError
from cctview.formats.tabular import (
    detection_rows,
    frame_rows,
    hex_ids,
    journey_rows,
    lane_rows,
    match_rows,
    tracklet_rows,
    travel_time_rows,
    write_rows,
)
from cctview.types import Detections, Frames, Journeys, Lanes, Matches, Ragged, Tracklets, TravelTimes

REASONS = ["looks", "size", "timing", "lane", "order", "context"]
START = np.datetime64("2020-05-05T17:34:29", "ns")


def seconds(count: int) -> np.ndarray:
    return START + np.arange(count).astype("timedelta64[s]")


def frames(count: int = 3) -> Frames:
    rows = np.arange(count)
    return Frames(
        id=rows + 100,
        camera=np.array(["733-681-N", "735-683-N"])[rows % 2],
        time=seconds(count),
        time_error_s=np.full(count, 0.5),
        name=np.array([f"cam--2020-05-05--13.34.{row:02d}" for row in rows], np.str_),
        digest=rows,
        width=np.full(count, 352),
        height=np.full(count, 240),
    )


def detections(count: int = 6) -> Detections:
    rows = np.arange(count)
    return Detections(
        id=rows + 10,
        frame=100 + rows // 2,
        camera=np.full(count, "733-681-N"),
        time=seconds(count),
        rank=rows % 2 + 1,
        box=np.stack([rows, rows, rows + 5.5, rows + 9], axis=1),
        score=np.full(count, 0.9, np.float32),
        type=np.full(count, "car"),
    )


def tracklets(members: list[list[int]]) -> Tracklets:
    count = len(members)
    flat = np.array([member for row in members for member in row], np.int64)
    boxes = np.tile(np.array([[0, 0, 9, 9]], np.float32), (count, 1))
    return Tracklets(
        id=np.arange(count) + 1000,
        camera=np.full(count, "733-681-N"),
        first_time=seconds(count),
        last_time=seconds(count) + np.timedelta64(2, "s"),
        first_box=boxes,
        last_box=boxes,
        type=np.full(count, "car"),
        heading=np.full(count, "towards"),
        vector=np.tile(np.array([[1, 0]], np.float32), (count, 1)),
        spread=np.zeros(count),
        quality=np.ones(count),
        members=Ragged.from_lengths(flat, [len(row) for row in members]),
    )


def matches() -> Matches:
    lengths = [2, 0, 1]
    return Matches(
        query=np.array([1000, 1001, 1002]),
        query_camera=np.full(3, "733-681-N"),
        camera=np.full(3, "735-683-N"),
        candidates=Ragged.from_lengths(np.array([7, 8, 9]), lengths),
        distance=Ragged.from_lengths(np.array([0.1, 0.2, 0.3], np.float32), lengths),
        probability=Ragged.from_lengths(np.array([0.6, 0.1, 0.9], np.float32), lengths),
        lag_s=Ragged.from_lengths(np.array([17, -2.5, 3], np.float32), lengths),
        **{name: Ragged.from_lengths(np.array([1, -1, 0.5], np.float32), lengths) for name in REASONS},
        p_none=np.array([0.3, 1, 0.1]),
    )


def journeys() -> Journeys:
    floats = Ragged.from_lengths(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), [2, 3])
    return Journeys(
        id=np.array([5, 6]),
        probability=np.array([0.5, 0.25]),
        members=Ragged.from_lengths(np.array([1001, 1000, 1000, 1001, 1002]), [2, 3]),
        time=Ragged.from_lengths(seconds(5), [2, 3]),
        lon=floats,
        lat=floats,
        speed=Ragged.from_lengths(np.ones(5, np.float32), [2, 3]),
    )


def test_columns_are_those_of_the_design() -> None:
    three = tracklets([[10, 11], [12], [14]])
    assert list(detection_rows(frames(), detections(), three)) == [
        "detection",
        "camera",
        "time",
        "type",
        "score",
        "x1",
        "y1",
        "x2",
        "y2",
        "tracklet",
    ]
    assert list(tracklet_rows(three)) == [
        "tracklet",
        "camera",
        "first_time",
        "last_time",
        "detections",
        "type",
        "heading",
    ]
    assert list(match_rows(matches())) == [
        "query",
        "query_camera",
        "camera",
        "rank",
        "candidate",
        "distance",
        "probability",
        "lag_s",
        "p_none",
        *REASONS,
    ]
    assert list(journey_rows(journeys(), three)) == [
        "journey",
        "step",
        "camera",
        "tracklet",
        "first_time",
        "last_time",
        "probability",
    ]
    assert list(frame_rows(frames())) == ["frame", "name", "camera", "time", "time_error_s", "width", "height"]


def test_detections_name_their_still_and_their_tracklet() -> None:
    rows = detection_rows(frames(), detections(), tracklets([[13, 10], [12]]))
    assert rows["detection"][3] == "cam--2020-05-05--13.34.01--detections--2--car--90.0--5x9--3.3v8.12"
    assert rows["tracklet"].tolist() == ["00000000000003e8", "", "00000000000003e9", "00000000000003e8", "", ""]


def test_the_order_of_the_frames_does_not_matter() -> None:
    shuffled = frames()[np.array([2, 0, 1])]
    left = detection_rows(frames(), detections(), tracklets([]))
    right = detection_rows(shuffled, detections(), tracklets([]))
    assert all(np.array_equal(left[name], right[name]) for name in left)


def test_tracklets_count_their_members() -> None:
    assert tracklet_rows(tracklets([[10, 11], [12]]))["detections"].tolist() == [2, 1]


def test_matches_have_one_row_per_rank() -> None:
    rows = match_rows(matches())
    assert rows["rank"].tolist() == [1, 2, 1]
    assert rows["query"].tolist() == ["00000000000003e8"] * 2 + ["00000000000003ea"]
    assert rows["candidate"].tolist() == ["0000000000000007", "0000000000000008", "0000000000000009"]
    assert rows["p_none"].tolist() == pytest.approx([0.3, 0.3, 0.1])


def test_journeys_have_one_row_per_step() -> None:
    rows = journey_rows(journeys(), tracklets([[10], [11], [12]]))
    assert rows["step"].tolist() == [1, 2, 1, 2, 3]
    assert rows["journey"].tolist() == ["0000000000000005"] * 2 + ["0000000000000006"] * 3
    assert rows["first_time"].tolist() == seconds(3)[[1, 0, 0, 1, 2]].tolist()


def test_lanes_have_one_row_per_point_and_numbers_by_camera() -> None:
    lanes = Lanes(
        camera=np.array(["a", "a", "b"]),
        heading=np.array(["towards", "away", "away"]),
        speed=np.array([12.34, 5, 6], np.float32),
        x=Ragged.from_lengths(np.array([1.04, 2, 3, 4, 5, 6], np.float32), [2, 2, 2]),
        y=Ragged.from_lengths(np.arange(6, dtype=np.float32), [2, 2, 2]),
        members=Ragged.from_lengths(np.arange(9), [4, 3, 2]),
    )
    rows = lane_rows(lanes)
    assert list(rows) == ["camera", "lane", "heading", "vehicles", "speed_px_s", "point", "x", "y"]
    assert rows["lane"].tolist() == [1, 1, 2, 2, 1, 1]
    assert rows["point"].tolist() == [1, 2] * 3
    assert rows["vehicles"].tolist() == [4, 4, 3, 3, 2, 2]
    assert rows["heading"].tolist() == ["towards"] * 2 + ["away"] * 4
    np.testing.assert_allclose(rows["x"], [1, 2, 3, 4, 5, 6])
    assert rows["speed_px_s"][0] == pytest.approx(12.3)


def test_rows_that_belong_nowhere_are_an_error() -> None:
    with pytest.raises(TableError, match="no frame 0000000000000066 among the 2 given"):
        detection_rows(frames(2), detections(), tracklets([]))
    with pytest.raises(TableError, match=r"no frame .* among the 0 given"):
        detection_rows(Frames.empty(), detections(), tracklets([]))
    with pytest.raises(TableError, match="no tracklet"):
        journey_rows(journeys(), tracklets([[10]]))


def test_empty_tables_have_their_columns(tmp_path: Path) -> None:
    empty = [
        frame_rows(Frames.empty()),
        detection_rows(Frames.empty(), Detections.empty(), Tracklets.empty()),
        tracklet_rows(Tracklets.empty()),
        match_rows(Matches.empty()),
        journey_rows(Journeys.empty(), Tracklets.empty()),
        lane_rows(Lanes.empty()),
    ]
    for rows in empty:
        write_rows(tmp_path / "a.csv", rows, "csv")
        assert (tmp_path / "a.csv").read_text() == ",".join(rows) + "\n"
        write_rows(tmp_path / "a.json", rows, "json")
        assert json.loads((tmp_path / "a.json").read_text()) == []
        write_rows(tmp_path / "a.parquet", rows, "parquet")
        assert pyarrow.parquet.read_table(tmp_path / "a.parquet").column_names == list(rows)


@given(st.lists(st.integers(0, 2**63 - 1), max_size=20))
def test_hex_ids_read_back(ids: list[int]) -> None:
    texts = hex_ids(np.array(ids, np.int64))
    assert [int(text, 16) for text in texts.tolist()] == ids
    assert all(len(text) == 16 for text in texts.tolist())


def test_csv_as_people_expect_it(tmp_path: Path) -> None:
    write_rows(
        tmp_path / "a.csv",
        detection_rows(frames(), detections(2), tracklets([[10]])),
        "csv",
        timezone="America/New_York",
    )
    assert (tmp_path / "a.csv").read_text().splitlines() == [
        "detection,camera,time,type,score,x1,y1,x2,y2,tracklet",
        "cam--2020-05-05--13.34.00--detections--1--car--90.0--6x9--0.0v6.9,733-681-N,2020-05-05T13:34:29-04:00,car,0.9,0,0,5.5,9,00000000000003e8",
        "cam--2020-05-05--13.34.00--detections--2--car--90.0--5x9--1.1v6.10,733-681-N,2020-05-05T13:34:30-04:00,car,0.9,1,1,6.5,10,",
    ]


def test_times_have_their_offset_and_precision(tmp_path: Path) -> None:
    moments = np.array(["2020-11-01T05:30:00.5", "2020-11-01T06:30:00"], "datetime64[ns]")
    for zone, texts in {
        "UTC": ["2020-11-01T05:30:00.500+00:00", "2020-11-01T06:30:00.000+00:00"],
        "America/New_York": ["2020-11-01T01:30:00.500-04:00", "2020-11-01T01:30:00.000-05:00"],
        "Asia/Kathmandu": ["2020-11-01T11:15:00.500+05:45", "2020-11-01T12:15:00.000+05:45"],
    }.items():
        write_rows(tmp_path / "a.json", {"time": moments}, "json", timezone=zone)
        assert [row["time"] for row in json.loads((tmp_path / "a.json").read_text())] == texts
        write_rows(tmp_path / "a.parquet", {"time": moments}, "parquet", timezone=zone)
        column = pyarrow.parquet.read_table(tmp_path / "a.parquet")["time"]
        assert column.type.tz == zone
        assert column.cast("int64").to_pylist() == moments.astype(np.int64).tolist()


def test_json_and_parquet_have_absent_values_and_short_numbers(tmp_path: Path) -> None:
    columns = {"text": np.array(["a", ""]), "share": np.array([0.9, 1], np.float32), "count": np.array([1, 2])}
    write_rows(tmp_path / "a.json", columns, "json")
    assert json.loads((tmp_path / "a.json").read_text()) == [
        {"text": "a", "share": 0.9, "count": 1},
        {"text": None, "share": 1.0, "count": 2},
    ]
    write_rows(tmp_path / "a.parquet", columns, "parquet")
    assert pyarrow.parquet.read_table(tmp_path / "a.parquet")["text"].to_pylist() == ["a", None]


TEXTS = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0\r"), min_size=1, max_size=8)


@given(st.lists(st.tuples(TEXTS, st.floats(0, 1, width=32), st.integers(-(10**9), 10**9)), max_size=8))
def test_every_format_reads_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, float, int]]) -> None:
    folder = tmp_path_factory.mktemp("trip")
    text, share, count = zip(*rows, strict=True) if rows else ((), (), ())
    columns = {
        "text": np.array(text, np.str_),
        "share": np.array(share, np.float32),
        "count": np.array(count, np.int64),
    }
    texts = columns["text"].tolist()
    for kind in ("csv", "json", "parquet"):
        write_rows(folder / f"a.{kind}", columns, kind)
    read = list(csv.DictReader(io.StringIO((folder / "a.csv").read_text(encoding="utf-8"), newline="")))
    assert [row["text"] for row in read] == [f"'{text}" if text[:1] in tuple("=+-@\t") else text for text in texts]
    assert [np.float32(row["share"]) for row in read] == list(columns["share"])
    loaded = json.loads((folder / "a.json").read_text(encoding="utf-8"))
    assert [(row["text"] or "", row["count"]) for row in loaded] == list(zip(texts, count, strict=True))
    assert [np.float32(row["share"]) for row in loaded] == list(columns["share"])
    table = pyarrow.parquet.read_table(folder / "a.parquet")
    assert [text or "" for text in table["text"].to_pylist()] == texts
    assert table["share"].to_pylist() == columns["share"].astype(np.float64).tolist()


def test_large_tables_are_written_in_parts(tmp_path: Path) -> None:
    columns = {"number": np.arange(150_000), "time": START + np.arange(150_000).astype("timedelta64[s]")}
    for kind in ("csv", "json", "parquet"):
        write_rows(tmp_path / f"a.{kind}", columns, kind)
    assert pyarrow.csv.read_csv(tmp_path / "a.csv")["number"].to_pylist() == columns["number"].tolist()
    assert [row["number"] for row in json.loads((tmp_path / "a.json").read_text())] == columns["number"].tolist()
    file = pyarrow.parquet.ParquetFile(tmp_path / "a.parquet")
    assert file.metadata.num_rows == 150_000
    assert file.num_row_groups == 3


def test_misuse_of_the_writer(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no format 'parket'; did you mean 'parquet'"):
        write_rows(tmp_path / "a", {"a": [1]}, "parket")
    with pytest.raises(TableError, match="differ in length"):
        write_rows(tmp_path / "a", {"a": [1], "b": [1, 2]}, "csv")
    with pytest.raises(InputError, match="no time zone"):
        write_rows(tmp_path / "a", {"a": seconds(2)}, "csv", timezone="Mars")
    assert list(tmp_path.iterdir()) == []


def test_travel_times_are_written_with_their_quantiles(tmp_path: Path) -> None:
    columns = [name for name in TravelTimes.columns if name.endswith("_s")]
    table = TravelTimes(
        origin=np.array(["a"]),
        target=np.array(["b"]),
        start=seconds(1),
        count=np.array([9]),
        **{name: np.array([17.5]) for name in columns},
    )
    write_rows(tmp_path / "t.csv", travel_time_rows(table), "csv", timezone="UTC")
    (row,) = csv.DictReader(io.StringIO((tmp_path / "t.csv").read_text()))
    assert (row["origin"], row["target"], row["count"], row["median_s"]) == ("a", "b", "9", "17.5")
    assert row["start"] == "2020-05-05T17:34:29+00:00"
