import json
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctview.errors import InputError
from cctview.metrics.overlap import TrackedBoxes, majority, same_place, shown_tracks, without_ignored
from cctview.metrics.tracking import count_tracking

GOLDEN = json.loads((Path(__file__).parents[1] / "goldens" / "tracking.json").read_text(encoding="utf-8"))


def boxes(rows):
    table = np.array(rows, np.float64).reshape(-1, 6)
    return TrackedBoxes(frame=table[:, 0].astype(int), track=table[:, 1].astype(int), box=table[:, 2:])


def line(track, frames, x=0.0):
    return [[frame, track, x + 10 * frame, 0, x + 10 * frame + 20, 20] for frame in frames]


@pytest.mark.parametrize("number", range(len(GOLDEN["sequences"])))
def test_each_sequence_scores_as_trackeval_scores_it(number):
    case = GOLDEN["sequences"][number]
    scores = count_tracking(boxes(case["truth"]), boxes(case["found"])).scores()
    for name, value in case["scores"].items():
        assert scores[name] == pytest.approx(value, abs=1e-6), name
    assert len(case["scores"]) == 18


def test_counts_add_up_over_sequences_as_trackeval_combines_them():
    parts = [count_tracking(boxes(case["truth"]), boxes(case["found"])) for case in GOLDEN["sequences"]]
    scores = reduce(add, parts).scores()
    for name, value in GOLDEN["combined"].items():
        assert scores[name] == pytest.approx(value, abs=1e-6), name


def test_the_truth_itself_is_perfect():
    truth = boxes(line(1, range(6)) + line(2, range(2, 9), x=100))
    scores = count_tracking(truth, truth).scores()
    assert {scores[name] for name in ("HOTA", "DetA", "AssA", "IDF1", "MOTA", "MOTP", "LocA")} == {1.0}
    assert (scores["MT"], scores["ML"], scores["IDSW"], scores["Frag"]) == (2, 0, 0, 0)


def test_a_track_cut_in_two_by_hand():
    truth = boxes(line(1, range(10)))
    cut = boxes(line(5, range(6)) + line(6, range(6, 10)))
    scores = count_tracking(truth, cut).scores()
    assert scores["DetA"] == 1
    assert scores["AssA"] == pytest.approx((6 * 0.6 + 4 * 0.4) / 10)
    assert scores["HOTA"] == pytest.approx(np.sqrt(scores["AssA"]))
    assert scores["IDF1"] == pytest.approx(6 / 10)
    assert scores["MOTA"] == pytest.approx(1 - 1 / 10)
    assert (scores["IDSW"], scores["Frag"]) == (1, 0)


def test_a_gap_is_a_fragment_and_a_miss():
    scores = count_tracking(boxes(line(1, range(10))), boxes(line(5, [0, 1, 2, 3, 6, 7, 8, 9]))).scores()
    assert (scores["IDSW"], scores["Frag"], scores["recall"], scores["precision"]) == (0, 0, 0.8, 1)
    other = line(2, range(10), x=200)
    scores = count_tracking(boxes(line(1, range(10)) + other), boxes(line(5, [0, 1, 2, 6, 7, 8, 9]) + other)).scores()
    assert scores["Frag"] == 1  # the still in between was looked at, because it shows the other vehicle


def test_identity_chooses_the_best_partners_overall():
    # Track 5 covers vehicle 1 three times and vehicle 2 twice; track 6 covers only vehicle 1, twice.
    truth = boxes(line(1, range(5)) + line(2, [5, 6]))
    found = boxes(line(5, [0, 1, 2]) + line(6, [3, 4]) + line(5, [5, 6]))
    counts = count_tracking(truth, found).identity
    assert (counts.right, counts.missed, counts.false) == (4, 3, 3)


def test_nothing_found_and_nothing_there():
    some, none = boxes(line(1, range(3))), boxes([])
    lost = count_tracking(some, none).scores()
    assert (lost["HOTA"], lost["IDF1"], lost["MOTA"], lost["ML"]) == (0, 0, 0, 1)
    false = count_tracking(none, some).scores()
    assert (false["HOTA"], false["IDF1"], false["precision"], false["ML"]) == (0, 0, 0, 0)
    assert count_tracking(none, none).scores()["HOTA"] == 0


def test_ignored_truths_excuse_what_lies_on_them():
    truth = boxes(line(1, range(4)) + line(2, range(4), x=200))
    found = boxes(line(7, range(4)) + line(8, range(4), x=201) + line(9, range(2), x=400))
    kept, asked = without_ignored(found, truth, truth.track == 2)
    assert set(kept.track.tolist()) == {7, 9}
    assert set(asked.track.tolist()) == {1}


def test_a_box_shows_the_one_true_track_it_overlaps_most():
    truth = boxes([[0, 5, 0, 0, 10, 10], [0, 6, 4, 0, 14, 10], [1, 6, 0, 0, 10, 10]])
    found = boxes([[0, 1, 3, 0, 13, 10], [0, 2, 1, 0, 11, 10], [1, 1, 6, 0, 16, 10], [2, 1, 0, 0, 10, 10]])
    assert shown_tracks(found, truth).tolist() == [6, 5, -1, -1]
    assert shown_tracks(found, truth, threshold=0.2).tolist() == [6, 5, 6, -1]
    assert shown_tracks(found, boxes([])).tolist() == [-1] * 4


def test_the_majority_decides_and_of_equals_the_lowest():
    group = np.array([0, 0, 0, 1, 1, 2, 2, 2, -1, 3])
    value = np.array([7, 7, 9, 8, 4, -1, -1, 5, 6, -1])
    assert majority(group, value, 5).tolist() == [7, 4, 5, -1, -1]
    assert majority(group[:0], value[:0], 2).tolist() == [-1, -1]


def test_pairs_are_those_of_the_same_frame():
    left = boxes([[2, 1, 0, 0, 10, 10], [1, 1, 0, 0, 10, 10], [2, 2, 5, 0, 15, 10]])
    right = boxes([[3, 1, 0, 0, 1, 1], [2, 1, 0, 0, 10, 10]])
    pairs = same_place(left, right)
    assert pairs.left.tolist() == [0, 2]
    assert pairs.right.tolist() == [1, 1]
    assert pairs.overlap.tolist() == pytest.approx([1, 1 / 3])
    assert [(part.start, part.stop, width) for part, width in pairs.frames()] == [(0, 2, 1)]


def test_bad_columns_are_refused():
    with pytest.raises(InputError, match="align"):
        TrackedBoxes(frame=np.zeros(2, int), track=np.zeros(1, int), box=np.zeros((2, 4)))
    with pytest.raises(InputError, match="identity 4 stands twice in frame 2"):
        boxes([[2, 4, 0, 0, 1, 1], [2, 4, 5, 5, 6, 6]])


@given(st.integers(0, 2**32 - 1))
def test_names_and_order_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    case = GOLDEN["sequences"][1]
    truth, found = boxes(case["truth"]), boxes(case["found"])
    shuffled = found.rows(rng.permutation(len(found)))
    renamed = TrackedBoxes(frame=shuffled.frame, track=-7 * shuffled.track, box=shuffled.box)
    expected, scores = count_tracking(truth, found).scores(), count_tracking(truth, renamed).scores()
    assert scores == pytest.approx(expected, abs=1e-9)
