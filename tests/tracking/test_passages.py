"""Passages: one per vehicle, whatever the tracker makes of it."""

import numpy as np
import pytest

from cctview.testing import roads
from cctview.tracking import track
from cctview.tracking.passages import PassagePriors, passages
from cctview.tracking.passages import counted as counted_of
from cctview.types import Breaks, Detections, Embeddings, Passages, Tracklets, row_ids

SECOND = np.timedelta64(1, "s")


def seen_of(columns):
    """Return the tables of a scene from hand-made rows (time s, box, look, identity)."""
    time = np.array([row[0] for row in columns], np.float64)
    box = np.array([row[1] for row in columns], np.float32)
    look = np.array([row[2] for row in columns], np.float32)
    stamp = roads.START + (time * 1e9).astype("timedelta64[ns]")
    frame = stamp.astype(np.int64)
    rank = np.array([np.sum(frame[:k] == value) + 1 for k, value in enumerate(frame)], np.int32)
    found = Detections(
        id=row_ids(frame, rank, "hand"),
        frame=frame,
        camera=np.full(len(time), "c1"),
        time=stamp,
        rank=rank,
        box=box,
        score=np.full(len(time), 0.9),
        type=np.full(len(time), "car"),
    )
    vectors = Embeddings(detection=found.id, vector=look, quality=np.ones(len(time)))
    return found, vectors


def pieces_of(found, vectors, groups, road_heading):
    """Return tracklets of these groups of detection rows."""
    parts = []
    for group, heading in zip(groups, road_heading, strict=True):
        rows = np.array(group)
        parts.append(
            Tracklets(
                id=found.id[rows[:1]],
                camera=found.camera[rows[:1]],
                first_time=found.time[rows[:1]],
                last_time=found.time[rows[-1:]],
                first_box=found.box[rows[:1]],
                last_box=found.box[rows[-1:]],
                type=found.type[rows[:1]],
                heading=np.array([heading]),
                vector=vectors.vector[rows[:1]],
                spread=np.zeros(1),
                quality=np.ones(1),
                members=type(Tracklets.empty().members).from_lengths(found.id[rows], [len(rows)]),
            )
        )
    return Tracklets.concat(parts)


def stream(count=12, gap_s=10.0, speed=15.0, step_s=2.0, stills=4):
    """Rows of vehicles one after another in one lane, each seen in ``stills`` stills, and the rows of each."""
    rows, groups = [], []
    for number in range(count):
        look = np.zeros(count + 4)
        look[number] = 1
        places = 70.0 - speed * step_s * 0.5 * np.arange(stills)
        groups.append([])
        for k, ahead in enumerate(places):
            box = roads.project(np.array([ahead]), np.array([-2.0]), np.array([1.5]), np.array([1.8]))[0]
            groups[-1].append(len(rows))
            rows.append((5.0 + number * gap_s + k * step_s * 0.5, box, look, number))
    return rows, groups


def counted(rows, groups, headings, **priors):
    found, vectors = seen_of(rows)
    return passages(pieces_of(found, vectors, groups, headings), found, None, PassagePriors(**priors))


def test_each_vehicle_counts_once():
    rows, groups = stream()
    table = counted(rows, groups, ["towards"] * 12)
    assert len(table) == 12
    assert set(table.heading.tolist()) == {"towards"}
    assert table.members.lengths.tolist() == [1] * 12
    assert np.all(np.diff(table.time) > 8 * SECOND)
    begun = roads.START + (np.arange(12) * 10 + 5) * SECOND
    assert np.all((table.time > begun) & (table.time < begun + 4 * SECOND))


def test_two_pieces_of_a_vehicle_are_joined():
    rows, groups = stream()
    groups = [*groups[:5], groups[5][:2], groups[5][2:], *groups[6:]]
    table = counted(rows, groups, ["towards"] * 13)
    assert len(table) == 12
    assert sorted(table.members.lengths.tolist()) == [1] * 11 + [2]
    joined = int(np.argmax(table.members.lengths))
    found = seen_of(rows)[0]
    assert table.members[joined].values.tolist() == [found.id[groups[5][0]], found.id[groups[6][0]]]


@pytest.mark.parametrize(
    "change",
    [
        {"bar": 0.5},  # nothing is likely enough
        {"stamp_s": 0.001, "pace": 0.001, "looks": 0.0, "bar": 1e-9},
    ],
)
def test_pieces_are_not_joined_where_nothing_speaks_for_it(change):
    rows, groups = stream()
    groups = [*groups[:5], groups[5][:2], groups[5][2:], *groups[6:]]
    change = {"looks": 0.0, **change}
    assert len(counted(rows, groups, ["towards"] * 13, **change)) == 13


def test_pieces_that_look_different_are_two_vehicles():
    rows, groups = stream()
    late = [(time, box, np.roll(look, 3), who) for time, box, look, who in (rows[k] for k in groups[5][2:])]
    rows = [*rows[: groups[5][2]], *late, *rows[groups[5][3] + 1 :]]
    groups = [*groups[:5], groups[5][:2], groups[5][2:], *groups[6:]]
    assert len(counted(rows, groups, ["towards"] * 13, looks=8.0)) == 13
    assert len(counted(rows, groups, ["towards"] * 13, looks=0.0)) == 12


def test_a_second_box_of_a_vehicle_does_not_count():
    rows, groups = stream()
    twice = [(rows[k][0], rows[k][1] + np.array([1, 1, 2, 0]), rows[k][2], -1) for k in groups[4][1:3]]
    start = len(rows)
    table = counted([*rows, *twice], [*groups, [start, start + 1]], ["towards"] * 13)
    assert len(table) == 12
    assert (
        len(counted([*rows, *twice], [*groups, [start, start + 1]], ["towards"] * 13, double_iou=0.99, double_inside=2))
        == 13
    )


def test_what_stands_does_not_count():
    rows, groups = stream()
    box = roads.project(np.array([35.0]), np.array([-2.0]), np.array([1.5]), np.array([1.8]))[0]
    look = np.eye(16)[14]
    start = len(rows)
    parked = [(8.0 + 2 * k, box, look, -1) for k in range(5)]
    lone = [(box_time, box, look, -1) for box_time in (80.0, 82.0)]
    extra = [list(range(start, start + 5)), [start + 5], [start + 6]]
    table = counted([*rows, *parked, *lone], [*groups, *extra], ["towards"] * 12 + ["still"] * 3)
    assert len(table) == 12


def test_a_lone_box_counts_in_the_lane_and_not_beside_it():
    rows, groups = stream()
    look = np.eye(16)[15]
    near = (66.5, roads.project(np.array([38.0]), np.array([-2.0]), np.array([1.5]), np.array([1.8]))[0], look, -1)
    aside = (66.5, roads.project(np.array([38.0]), np.array([-12.0]), np.array([1.5]), np.array([1.8]))[0], look, -1)
    assert len(counted([*rows, near], [*groups, [len(rows)]], ["towards"] * 13)) == 13
    assert len(counted([*rows, aside], [*groups, [len(rows)]], ["towards"] * 13)) == 12


def beside(rows, groups, count, side, seen):
    """Rows of vehicles in a lane at ``side``, of which each shows the ``seen`` of its stills, going away."""
    more, pieces = [], []
    for number in range(count):
        look = np.roll(np.eye(16)[0], number)
        pieces.append([])
        for k in seen:
            box = roads.project(np.array([22.0 + 15 * k]), np.array([side]), np.array([1.5]), np.array([1.8]))[0]
            pieces[-1].append(len(rows) + len(more))
            more.append((8.0 + number * 9 + k, box, look, 100 + number))
    return [*rows, *more], [*groups, *pieces]


def test_a_stream_of_which_most_are_seen_once_is_counted_where_its_few_moves_led_over():
    rows, groups = stream()
    rows, groups = beside(rows, groups, 8, 2.0, (0, 1))
    headings = ["towards"] * 12 + ["away"] * 8
    before = counted(rows, groups, headings)
    assert sorted(before.heading.tolist()) == ["away"] * 8 + ["towards"] * 12
    rows, groups = beside([(*row[:3], row[3]) for row in rows], groups, 10, 2.1, (0.5,))
    table = counted(rows, groups, [*headings, *["still"] * 10])
    assert int((table.heading == "away").sum()) == 18
    assert int((table.heading == "towards").sum()) == 12


def test_who_crossed_before_the_first_still_or_after_the_last_does_not_count():
    rows, groups = stream()
    table = counted(rows, groups, ["towards"] * 12)
    cut = [k for k in groups[0] if k >= 3]
    kept = [row for n, row in enumerate(rows) if n >= 3]
    shifted = [[k - 3 for k in cut], *[[k - 3 for k in group] for group in groups[1:]]]
    assert len(counted(kept, shifted, ["towards"] * 12)) == 11
    assert len(table) == 12


def test_too_few_that_move_teach_no_line():
    rows, groups = stream(count=2)
    assert len(counted(rows, groups, ["towards"] * 2)) == 0
    assert len(passages(Tracklets.empty(), Detections.empty())) == 0


def test_both_directions_of_a_busy_road_are_counted():
    seen = roads.drive(roads.Scenery(seconds=400, per_minute=20, missed=0.05))
    found = passages(track(seen.detections, seen.embeddings), seen.detections)
    true = truly_passed(seen)
    for way in ("towards", "away"):
        assert int((found.heading == way).sum()) == pytest.approx(true[way], rel=0.05, abs=2)
    assert set(found.camera.tolist()) == {"c1"}


def truly_passed(seen):
    """Return how many identities came nearer, and how many went away, seen twice at least."""
    order = np.lexsort((seen.detections.time, seen.identity))
    who, bottom = seen.identity[order], seen.detections.box[order, 3]
    starts = np.flatnonzero(np.diff(who, prepend=-1))
    ends = np.append(starts[1:], len(who)) - 1
    change = (bottom[ends] - bottom[starts])[ends > starts]
    return {"towards": int((change > 0).sum()), "away": int((change < 0).sum())}


def test_the_order_of_rows_does_not_matter():
    seen = roads.drive(roads.Scenery(seconds=120))
    tracklets = track(seen.detections, seen.embeddings)
    table = passages(tracklets, seen.detections)
    shuffle = np.random.default_rng(5)
    again = passages(
        tracklets[shuffle.permutation(len(tracklets))], seen.detections[shuffle.permutation(len(seen.detections))]
    )
    assert np.array_equal(np.sort(again.time), np.sort(table.time))
    assert len(np.unique(table.id)) == len(table) > 20


def test_a_camera_that_was_turned_gets_new_lines():
    rows, groups = stream()
    moved = [(time + 200, box + np.array([0, 40, 0, 40]), look, who) for time, box, look, who in rows]
    everything, all_groups = [*rows, *moved], [*groups, *[[k + len(rows) for k in group] for group in groups]]
    found, vectors = seen_of(everything)
    pieces = pieces_of(found, vectors, all_groups, ["towards"] * 24)
    turned = Breaks(camera=np.array(["c1"]), time=np.array([roads.START + 190 * SECOND]), kind=np.array(["turned"]))
    table = passages(pieces, found, turned)
    assert len(table) == 24
    halves = [passages(pieces[part], found).time for part in (slice(0, 12), slice(12, 24))]
    assert np.array_equal(np.sort(table.time), np.concatenate([np.sort(half) for half in halves]))


def test_the_clock_of_the_tracklets_holds():
    rows, groups = stream()
    found, vectors = seen_of(rows)
    pieces = pieces_of(found, vectors, groups, ["towards"] * 12)
    late = pieces.replace(first_time=pieces.first_time + 30 * SECOND, last_time=pieces.last_time + 30 * SECOND)
    assert np.array_equal(passages(late, found).time, passages(pieces, found).time + 30 * SECOND)


def test_the_meta_tells_version_and_priors():
    rows, groups = stream()
    meta = counted(rows, groups, ["towards"] * 12).meta
    assert meta["passages"] == "2"
    assert meta["passage_priors"] != PassagePriors(bar=0.0).meta["passage_priors"]
    assert Passages.empty().meta == {}


def why(rows, groups, headings):
    """Return the reasons of the tracklets in no passage, in the order of these groups."""
    found, vectors = seen_of(rows)
    told = counted_of(pieces_of(found, vectors, groups, headings), found)
    place = {int(found.id[group[0]]): n for n, group in enumerate(groups)}
    order = np.argsort([place[name] for name in told.uncounted.tolist()])
    assert len(told.uncounted) + len(told.passages.members.values) == len(groups)
    return told.reason[order].tolist()


def test_who_does_not_count_is_told_with_the_reason():
    rows, groups = stream()
    at = len(rows)
    twice = [(rows[k][0], rows[k][1] + np.array([1, 1, 2, 0]), rows[k][2], -1) for k in groups[4][1:3]]
    box = roads.project(np.array([35.0]), np.array([-2.0]), np.array([1.5]), np.array([1.8]))[0]
    parked = [(8.0 + 2 * k, box, np.eye(16)[14], -1) for k in range(5)]
    lone = [(80.0, box, np.eye(16)[14], -1), (82.0, box, np.eye(16)[14], -1)]
    aside = roads.project(np.array([38.0]), np.array([-12.0]), np.array([1.5]), np.array([1.8]))[0]
    extra = [[at, at + 1], list(range(at + 2, at + 7)), [at + 7], [at + 8], [at + 9]]
    everything = [*rows, *twice, *parked, *lone, (66.5, aside, np.eye(16)[15], -1)]
    assert why(everything, [*groups, *extra], ["towards"] * 13 + ["still"] * 4) == [
        "second boxes of a vehicle",
        "did not drive over the line in a lane while stills came",
        "seen once, where the same stood before or after",
        "seen once, where the same stood before or after",
        "did not drive over the line in a lane while stills came",
    ]
    rows, groups = stream(count=1)
    parked = [(time, box, np.eye(5)[4], -1) for time in (8.0, 10.0)]
    told = why([*rows, *parked], [*groups, [len(rows), len(rows) + 1]], ["towards", "still"])
    assert told == ["too few of its direction moved to learn a line", "stood, or went no clear way"]


def test_tracklets_whose_boxes_are_gone_do_not_count():
    rows, groups = stream()
    found, vectors = seen_of(rows)
    told = counted_of(pieces_of(found, vectors, groups, ["towards"] * 12), Detections.empty())
    assert len(told.passages) == 0
    assert len(told.uncounted) == 12
