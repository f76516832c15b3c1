import json
from dataclasses import replace

import numpy as np
import pytest

from cctview.errors import FormatError, SourceNotFoundError
from cctview.evaluate.links import read_links, shown_by, tracklet_rows
from cctview.evaluate.reid import evaluate_reid, false_matches
from cctview.evaluate.visits import labelled_visits
from cctview.matching import match
from cctview.testing import roads
from cctview.tracking import track
from cctview.types import Matches, Ragged
from labels import travellers, write_links

CAMERAS = ("c1", "c2", "c3")


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    seen = roads.drive(roads.Scenery(cameras=CAMERAS, seconds=300, both_ways=False))
    path = tmp_path_factory.mktemp("links") / "links.json"
    links = read_links(write_links(path, seen, travellers(seen, CAMERAS, 40)))
    tracklets = track(seen.detections, seen.embeddings)
    return seen, links, tracklets, match(tracklets, seen.network)


def test_sightings_are_the_detections_they_were_made_from(scene):
    seen, links, tracklets, _ = scene
    shown = shown_by(links, seen.detections)
    vehicle = np.array([int(name[1:]) for name in links.name])[links.vehicle]
    assert (shown >= 0).all()
    assert (seen.identity[shown] == vehicle).all()
    owner = tracklet_rows(tracklets, seen.detections)[shown]
    assert (owner >= 0).mean() > 0.9
    assert (tracklets.camera[owner] == links.camera)[owner >= 0].all()


def test_scores_of_an_easy_road(scene):
    seen, links, tracklets, matches = scene
    scores = evaluate_reid(links, seen.detections, tracklets, matches).report()
    assert set(scores["pairs"]) == {"c1 -> c2", "c2 -> c3"}
    assert scores["all"]["vehicles"] == 80
    assert scores["all"]["rank-1"] > 0.7
    assert scores["all"]["calibration error"] < 0.2
    assert scores["all"]["rank-1 by looks alone, true window"] >= scores["all"]["rank-1 by looks alone, whole store"]
    parts = scores["by difficulty"]
    assert parts["distinctive"]["vehicles"] + parts["ordinary"]["vehicles"] == 80
    assert sum(row["answers"] for row in scores["reliability"]) == scores["all"]["queries"]


def perfect(links, seen, tracklets, wrong=(), probability=0.95):
    """Matches that answer each question rightly, but for the queries (by number) in ``wrong``."""
    visits = labelled_visits(links, seen.detections, tracklets)
    origin, target = visits.steps()
    answer = tracklets.id[visits.tracklet[target]].copy()
    for n in wrong:
        others = np.flatnonzero(
            (tracklets.camera == visits.camera[target[n]]) & ~visits.shows.any(axis=0) & ~visits.unknown[target[n]]
        )
        answer[n] = tracklets.id[others[0]]
    ones = np.ones(len(origin), np.int64)
    floats = Ragged.from_lengths(np.full(len(origin), probability, np.float32), ones)
    given = {
        "query": tracklets.id[visits.tracklet[origin]],
        "query_camera": visits.camera[origin],
        "camera": visits.camera[target],
        "candidates": Ragged.from_lengths(answer, ones),
        "probability": floats,
        "p_none": np.full(len(origin), 0.05, np.float32),
    }
    rest = {name: floats for name in Matches.columns if name not in given}
    return Matches(**given, **rest)


def test_answers_right_and_wrong_by_hand(scene):
    seen, links, tracklets, _ = scene
    scores = evaluate_reid(links, seen.detections, tracklets, perfect(links, seen, tracklets, wrong=(3, 8))).report()
    queries = scores["all"]["queries"]
    assert scores["all"]["rank-1"] == pytest.approx(1 - 2 / queries)
    assert scores["all"]["rank-5"] == pytest.approx(1 - 2 / queries)  # what was not listed was never found
    assert scores["open set"]["0.9"] == {
        "answered": queries, "share": 1.0, "wrong": 2, "wrong share": pytest.approx(2 / queries),
    }  # fmt: skip
    assert scores["open set"]["0.99"]["answered"] == 0
    assert scores["all"]["calibration error"] == pytest.approx(abs(0.95 - (1 - 2 / queries)), abs=1e-6)


def test_being_there_is_given_to_the_answers_that_doubt_it(scene):
    """Answers of 0.6 that give "not there" 0.25 say 0.8 of vehicles that are there; all are right."""
    seen, links, tracklets, _ = scene
    matches = perfect(links, seen, tracklets, probability=0.6)
    shy = matches.replace(p_none=np.full(len(matches), 0.25, np.float32))
    scores = evaluate_reid(links, seen.detections, tracklets, shy).report()
    assert scores["all"]["calibration error"] == pytest.approx(0.4, abs=1e-6)
    assert scores["all"]["calibration error, given that it is there"] == pytest.approx(0.2, abs=1e-6)
    there = scores["calibration"]["given that it is there"]
    assert (there["mean stated"], there["share right"]) == (pytest.approx(0.8), 1)
    assert there["stated minus right"] == pytest.approx(-0.2)
    assert there["answers"] == scores["all"]["queries"]


def test_a_vehicle_that_was_not_detected_counts_among_all_vehicles(scene):
    seen, links, tracklets, _ = scene
    matches = perfect(links, seen, tracklets)
    gone = replace(links, box=np.where(links.vehicle[:, None] == 0, links.box + 5000, links.box))
    scores = evaluate_reid(gone, seen.detections, tracklets, matches).report()["all"]
    assert scores["rank-1"] == 1
    assert scores["rank-1 of all vehicles"] == pytest.approx(78 / 80)


def test_a_fragment_in_the_same_lane_is_unknown_and_another_vehicle_is_not(scene):
    seen, links, tracklets, _ = scene
    visits = labelled_visits(links, seen.detections, tracklets)
    rows, columns = np.nonzero(visits.unknown)
    assert (visits.camera[rows] == tracklets.camera[columns]).all()
    assert not (visits.unknown & visits.shows).any()
    owner = tracklet_rows(tracklets, seen.detections)
    listed = shown_by(links, seen.detections)
    for row, column in zip(rows, columns, strict=True):
        mine = (links.vehicle == visits.vehicle[row]) & (links.camera == visits.camera[row])
        beside = np.isin(seen.detections.frame, seen.detections.frame[listed[mine]])
        assert column not in owner[beside]
    assert not labelled_visits(links, seen.detections, tracklets, unknown_within_s=0).unknown.any()


def test_one_sighting_tells_no_lane(scene):
    seen, links, tracklets, _ = scene
    first = np.unique(
        np.stack([links.vehicle, np.unique(links.camera, return_inverse=True)[1]]), axis=1, return_index=True
    )
    rows = first[1]
    once = replace(
        links, vehicle=links.vehicle[rows], camera=links.camera[rows], time=links.time[rows], box=links.box[rows]
    )
    visits = labelled_visits(once, seen.detections, tracklets)
    assert visits.shows.any()
    assert not visits.unknown.any()


def test_without_the_right_answer_few_matches_are_claimed(scene):
    seen, links, tracklets, _ = scene
    claimed = false_matches(links, seen.detections, tracklets, seen.network)
    assert claimed["0.9"] <= claimed["0.5"] < 0.6


def test_no_links_and_no_matches(scene, tmp_path):
    seen, links, tracklets, _ = scene
    none = read_links(write_links(tmp_path / "none.json", seen, []))
    nobody = evaluate_reid(none, seen.detections, tracklets, Matches.empty())
    assert nobody.report() == {"pairs": {}, "queries": 0}
    assert "<circle" not in nobody.diagram()
    scores = evaluate_reid(links, seen.detections, tracklets, Matches.empty()).report()["all"]
    assert (scores["rank-1"], scores["answered at 0.9"], scores["calibration error"]) == (0, 0, 0)
    nothing = seen.detections[:0], tracklets[:0]
    assert evaluate_reid(links, *nothing, Matches.empty()).report()["all"]["queries"] == 0
    assert set(false_matches(links, *nothing, seen.network).values()) == {0.0}


def test_links_are_read_with_days_zones_and_duplicates(tmp_path):
    sightings = {
        "a": [
            {"time": "13.10.03", "box": [1, 2, 3, 4], "detection": "a--2020-05-05--13.10.03--detections--3--car"},
            {"time": "13.10.04", "box": [1, 2, 3, 4], "detection": None},
            {"time": "13.10.04", "box": [1, 2, 3, 5], "detection": None, "duplicate_of": "the one before"},
        ],
        "b": [{"time": "2020-05-06T08:00:00+00:00", "box": [1, 2, 3, 4]}],
    }
    path = tmp_path / "links.json"
    path.write_text(json.dumps([{"vehicle": "v1", "sightings": sightings}]))
    links = read_links(path)
    assert links.camera.tolist() == ["a", "a", "b"]
    times = ["2020-05-05T17:10:03", "2020-05-05T17:10:04", "2020-05-06T08:00:00"]
    assert links.time.tolist() == np.array(times, "datetime64[s]").tolist()
    assert (links.difficulty.tolist(), links.certain.tolist()) == (["ordinary"], [True])


def test_files_that_are_no_links(tmp_path):
    with pytest.raises(SourceNotFoundError, match="cannot be read"):
        read_links(tmp_path / "no.json")
    for text in ("{", "[1]", '[{"vehicle": "v"}]', '[{"vehicle": 1, "sightings": {"a": [{"time": "x", "box": [1]}]}}]'):
        (tmp_path / "odd.json").write_text(text)
        with pytest.raises(FormatError, match="not a file of linked vehicles"):
            read_links(tmp_path / "odd.json")
