from __future__ import annotations

from itertools import product

import pytest

from cctview.pipeline.report import Linking, RunReport, Told, took
from cctview.sources import Skipped

GAP = Skipped("a.jpg", "empty")
PARTS = [
    RunReport(),
    RunReport(stills=3, known=1, skipped=(GAP,), detections=7, people=2, seconds=0.5, stored={"frames": 3}),
    RunReport(stage_seconds={"decode": 1.0, "store": 2.0}, stored={"frames": 1, "pixels": 1}),
    RunReport(
        linking=Linking(
            tracklets=5, matches=4, journeys=3, late=2, unknown=("x",), anew={"lost": 1}, uncounted={"stood": 2}
        )
    ),
    RunReport(linking=Linking(tracklets=50, matches=40, journeys=0, whole=True, reason="no links", unseen=("y",))),
]


def test_parts_add_up() -> None:
    both = PARTS[1] + PARTS[1] + PARTS[2]
    assert (both.stills, both.known, both.detections, both.people, both.seconds) == (6, 2, 14, 4, 1.0)
    assert both.skipped == (GAP, GAP)
    assert both.stored == {"frames": 7, "pixels": 1}
    assert both.seen == 6 + 2 + 2
    assert (both + took("store", 0.5)).stage_seconds == {"decode": 1.0, "store": 2.5}


def test_how_parts_are_grouped_does_not_matter_and_nothing_is_neutral() -> None:
    for one, two, three in product(PARTS, repeat=3):
        assert (one + two) + three == one + (two + three)
    for part in PARTS:
        assert RunReport() + part == part + RunReport() == part


def test_what_is_linked_as_a_whole_takes_the_place_of_what_was_before() -> None:
    further, whole = PARTS[3], PARTS[4]
    assert ((further + further).tracklets, (further + further).journeys) == (10, 6)
    assert ((further + whole).tracklets, (further + whole).matches, (further + whole).journeys) == (50, 40, 0)
    assert (whole + further).tracklets == 55
    assert dict(further.linking.uncounted) == {"stood": 2}  # type: ignore[union-attr]
    assert dict((further + further).linking.uncounted) == {"stood": 4}  # type: ignore[union-attr]
    assert dict((further + whole).linking.uncounted) == {}  # type: ignore[union-attr]
    told = (further + whole).linking
    assert told is not None
    assert (told.unknown, told.unseen, told.reason, told.late, told.anew) == ((), ("y",), "no links", 0, {"lost": 1})
    assert (whole + further).linking.reason == ""  # type: ignore[union-attr]


def test_nothing_linked_is_no_journey_and_says_so() -> None:
    assert (PARTS[1].tracklets, PARTS[1].matches, PARTS[1].journeys) == (0, 0, 0)
    assert PARTS[1].linking is None


def test_items_are_handed_on_and_what_is_told_among_them_adds_up() -> None:
    told = Told(iter([PARTS[1], "a", PARTS[1], PARTS[2], "b", PARTS[1]]))
    assert next(told) == "a"
    assert told.taken() == PARTS[1]
    assert next(told) == "b"
    assert told.taken() == PARTS[1] + PARTS[2]
    with pytest.raises(StopIteration):
        next(told)
    assert told.taken() == PARTS[1]
    assert told.taken() == RunReport()
