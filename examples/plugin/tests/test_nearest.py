from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cctview_nearest import ListSource, NearestBox

from cctview import (
    Detections,
    Embeddings,
    FormatError,
    Frame,
    SimSettings,
    SourceNotFoundError,
    open_source,
    simulate,
    track,
)
from cctview.plugins import load_plugin, plugin_names
from cctview.simulated import truth_of
from cctview.sources import Known, Skipped
from cctview.testing.trackers import TrackerContract

VIDEO = SimSettings(minutes=0.4, cameras=2, interval_s=0.1, traffic=12.0, seed=3)


class TestNearestBox(TrackerContract):
    """What every tracker must do."""

    def make(self) -> NearestBox:
        return NearestBox(gap_s=4.0)


@pytest.fixture(scope="module")
def video() -> tuple[Detections, Embeddings, dict[int, int]]:
    """What a faultless detector finds in video of two cameras, vectors of no meaning, and whose each detection is."""
    tables = truth_of(simulate(VIDEO)).tables
    vector = np.random.default_rng(0).standard_normal((len(tables.detections), 8)).astype(np.float32)
    embeddings = Embeddings(
        meta=tables.detections.meta,
        detection=tables.detections.id,
        vector=vector / np.linalg.norm(vector, axis=1, keepdims=True),
        quality=np.ones(len(vector), np.float32),
    )
    members = tables.tracklets.members
    owner = np.repeat(tables.identity, np.diff(members.offsets))
    return tables.detections, embeddings, dict(zip(members.values.tolist(), owner.tolist(), strict=True))


def test_it_is_found_by_its_name_beside_what_comes_with_cctview() -> None:
    assert {"nearest-box", "road"} <= set(plugin_names("trackers"))
    assert load_plugin("trackers", "nearest-box") is NearestBox


def test_video_is_followed_and_hardly_ever_to_another_vehicle(
    video: tuple[Detections, Embeddings, dict[int, int]],
) -> None:
    detections, embeddings, owner = video
    tracklets = track(detections, embeddings, NearestBox())
    rows = np.split(tracklets.members.values, tracklets.members.offsets[1:-1])
    whose = [{owner[member] for member in row.tolist()} for row in rows]
    assert np.mean([len(one) == 1 for one in whose]) > 0.9
    assert len(tracklets) < 3 * len(set(owner.values()))
    assert len(np.unique(tracklets.members.values)) == len(tracklets.members.values) == len(detections)


def test_a_vehicle_that_drives_away_shrinks(video: tuple[Detections, Embeddings, dict[int, int]]) -> None:
    detections, embeddings, _ = video
    tracklets = track(detections, embeddings, NearestBox())
    height = [box[:, 3] - box[:, 1] for box in (tracklets.first_box, tracklets.last_box)]
    away = tracklets.heading == "away"
    assert away.any()
    assert (~away).any()
    assert (height[1][away] <= height[0][away] * 1.2).mean() > 0.9


def test_in_pieces_through_bytes_the_answer_is_the_same(video: tuple[Detections, Embeddings, dict[int, int]]) -> None:
    detections, embeddings, _ = video
    mine = detections[detections.camera == "sim-1"].sort("time", "id")
    tracker = NearestBox()
    state, parts = tracker.fresh(), []
    for moment in np.array_split(np.unique(mine.time), 7):
        piece = mine[np.isin(mine.time, moment)]
        state, ended = tracker.step(tracker.load(tracker.dump(state)), piece, embeddings)
        parts.append(ended)
    parts.append(tracker.ending(state))
    found = sorted(i for part in parts for i in part.id.tolist())
    assert found == sorted(track(mine, embeddings, tracker).id.tolist())


def test_a_longer_patience_bridges_gaps(video: tuple[Detections, Embeddings, dict[int, int]]) -> None:
    detections, embeddings, _ = video
    moments = np.unique(detections.time)
    gappy = detections[~np.isin(np.searchsorted(moments, detections.time) % 20, (0, 1, 2, 3, 4, 5, 6))]
    long, short = (track(gappy, embeddings, NearestBox(gap_s=gap, reach=4.0)) for gap in (2.0, 0.25))
    assert len(long) < len(short)


def written(folder: Path) -> Path:
    frame = next(simulate(SimSettings(minutes=0.05, cameras=1)).frames())
    (folder / "a.jpeg").write_bytes(frame.jpeg)
    (folder / "stills.csv").write_text(
        "camera,time,file\n"
        "bridge,2020-05-05T13:34:29-04:00,a.jpeg\n"
        "bridge,2020-05-05T13:34:30,a.jpeg\n"
        "bridge,2020-05-05T13:34:31-04:00,b.jpeg\n"
    )
    return folder / "stills.csv"


def test_a_list_is_a_source_and_each_line_is_a_still_or_a_reason(tmp_path: Path) -> None:
    source = open_source(f"list://{written(tmp_path)}")
    still, undated, absent = source.frames(lambda _: False)
    assert isinstance(still, Frame)
    assert (still.camera, still.time) == ("bridge", np.datetime64("2020-05-05T17:34:29"))
    assert isinstance(undated, Skipped)
    assert "line 3" in undated.where
    assert "offset" in undated.reason
    assert isinstance(absent, Skipped)
    assert "b.jpeg" in absent.reason
    assert source.count() == 3


def test_what_the_store_knows_is_not_decoded_again(tmp_path: Path) -> None:
    source = ListSource(f"list://{written(tmp_path)}")
    first = next(source.frames(lambda _: False))
    assert isinstance(first, Frame)
    assert next(source.frames(lambda frame: frame == first.id)) == Known(first.id)


def test_a_list_that_is_none_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(SourceNotFoundError, match="no such file"):
        ListSource(f"list://{tmp_path / 'none.csv'}")
    (tmp_path / "odd.csv").write_text("camera,file\n")
    with pytest.raises(FormatError, match="no column time"):
        ListSource(f"list://{tmp_path / 'odd.csv'}")
