from __future__ import annotations

import numpy as np
import pytest

from cctview.network import parse_network
from cctview.pipeline.discovering import busiest_tracklets, discovered, found_in, verdict_on
from cctview.pipeline.report import Linking, RunReport
from cctview.privacy import Policy
from cctview.store import create_store
from cctview.testing.passing import road
from cctview.types import Ragged, Tracklets

DONE = RunReport(linking=Linking(whole=True))
FILE = """
[[link]]
from = "b"
to = "a"
[[camera]]
id = "a"
[[camera]]
id = "b"
"""


def seen(*args, **how) -> Tracklets:
    """Traffic whose detections nobody stored."""
    made = road(*args, **how)
    return made.replace(members=Ragged.from_lengths(np.zeros(0, np.int64), np.zeros(len(made), np.int64)))


@pytest.fixture
def store():
    made = create_store("memory:discovering", Policy.default("tests"))
    made.replace([seen({"a": 0.0, "b": 40.0}, ways=("towards",))])
    return made


def never() -> RunReport:
    raise AssertionError


def test_links_found_are_kept_as_learnt_and_linked_along_once(store) -> None:
    told = discovered(store, DONE, lambda: RunReport(linking=Linking(journeys=7, whole=True)))
    assert told.linking.journeys == 7
    assert told.linking.learnt.startswith("found 1 link among 2 cameras: a (towards) -> b (towards), 40 s")
    (link,) = store.network.links
    assert (link.origin, link.target) == ("a", "b")
    assert link.learnt is not None
    assert told.seconds == told.stage_seconds["discover"] > 0
    # The second time they are the ones that it was linked along.
    assert discovered(store, DONE, never).linking.learnt == told.linking.learnt


def test_links_that_somebody_said_are_only_held_against_the_traffic(store) -> None:
    network = parse_network(FILE)
    store.set_network(network)
    told = discovered(store, DONE, never).linking
    assert told.wrong[0].startswith("link b -> a: its traffic goes the other way")
    assert (told.learnt, store.network) == ("", network)
    assert verdict_on(network, store).wrong == told.wrong


def test_where_nothing_is_found_no_network_is_made() -> None:
    store = create_store("memory:nothing", Policy.default("tests"))
    told = discovered(store, DONE, never).linking
    assert told.learnt == "no link shows among 0 cameras in 0.0 minutes"
    assert store.network is None


def test_links_that_show_no_more_are_given_up(store) -> None:
    discovered(store, DONE, lambda: DONE)
    store.replace([seen({"a": 0.0, "b": 40.0}, strangers=True)])
    told = discovered(store, DONE, lambda: DONE).linking
    assert told.learnt.startswith("no link shows")
    assert store.network.links == ()
    assert store.network.cameras.id.tolist() == ["a", "b"]


def test_tracklets_are_put_on_the_clocks_of_the_network(store) -> None:
    store.set_network(parse_network('[[camera]]\nid = "a"\n[[camera]]\nid = "b"\nclock_s = 20\n'))
    said, found = found_in(store)
    assert said == store.network
    assert found.links[0].timing.median_s == pytest.approx(60, abs=2)


def test_the_hours_with_most_traffic_are_read(store) -> None:
    busy = seen({"a": 0.0}, each=60, minutes=50)
    calm = [seen({"a": 0.0}, each=10, minutes=50, seed=seed) for seed in (2, 3)]
    moved = [_later(table, hours) for table, hours in zip([calm[0], busy, busy, calm[1]], (0, 1, 2, 3), strict=True)]
    store.replace([Tracklets.concat(moved)])
    read = busiest_tracklets(store)
    assert np.unique(read.first_time.astype("datetime64[h]")).astype(str).tolist() == ["2026-06-01T09", "2026-06-01T10"]
    assert len(busiest_tracklets(create_store("memory:empty", Policy.default("tests")))) == 0


def _later(table: Tracklets, hours: int) -> Tracklets:
    late = np.timedelta64(hours, "h")
    return table.replace(id=table.id ^ hours, first_time=table.first_time + late, last_time=table.last_time + late)
