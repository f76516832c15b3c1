import numpy as np
import pytest

from cctview.errors import SettingsError
from cctview.journeys import JourneySettings, chain
from cctview.matching import match
from cctview.testing import roads
from cctview.testing.by_hand import matches_of, tracklets_of
from cctview.tracking import track
from cctview.types import Journeys, Matches, Tracklets

NETWORK = roads.network(roads.Scenery(cameras=("c1", "c2", "c3"), spacing_m=400))


def test_a_chain_over_three_cameras_by_hand():
    seen = tracklets_of(["c1", "c2", "c3"], [0, 20, 60])
    table = chain(matches_of([(1, "c1", "c2", [2], [0.9], [20.0]), (2, "c2", "c3", [3], [0.8], [40.0])]), seen, NETWORK)
    assert len(table) == 1
    assert table.members.values.tolist() == [1, 2, 3]
    assert table.probability[0] == pytest.approx(0.72)
    assert table.speed.values.tolist() == [20.0, 20.0, 10.0]
    assert table.time.values.tolist() == seen.first_time.tolist()
    assert np.allclose(table.lat.values, NETWORK.cameras.lat)
    assert np.allclose(table.lon.values, NETWORK.cameras.lon)


def test_of_two_queries_the_surer_one_wins():
    seen = tracklets_of(["c1", "c1", "c2"], [0, 2, 20])
    rows = [(1, "c1", "c2", [3], [0.55], [20.0]), (2, "c1", "c2", [3], [0.6], [18.0])]
    assert chain(matches_of(rows), seen, NETWORK).members.values.tolist() == [2, 3]


def test_a_weak_link_breaks_the_chain():
    seen = tracklets_of(["c1", "c2", "c3"], [0, 20, 60])
    rows = [(1, "c1", "c2", [2], [0.9], [20.0]), (2, "c2", "c3", [3], [0.3], [40.0])]
    assert chain(matches_of(rows), seen, NETWORK).members.values.tolist() == [1, 2]
    loose = chain(matches_of(rows), seen, NETWORK, JourneySettings(min_probability=0.2))
    assert loose.members.values.tolist() == [1, 2, 3]


def test_nobody_turns_back_at_a_camera():
    seen = tracklets_of(["c1", "c2", "c1"], [0, 20, 45])
    rows = [(1, "c1", "c2", [2], [0.9], [20.0]), (2, "c2", "c1", [3], [0.8], [25.0])]
    assert chain(matches_of(rows), seen, NETWORK).members.values.tolist() == [1, 2]


def test_journeys_come_most_probable_first():
    seen = tracklets_of(["c1", "c2", "c1", "c2"], [0, 20, 5, 25])
    rows = [(1, "c1", "c2", [2], [0.6], [20.0]), (3, "c1", "c2", [4], [0.9], [20.0])]
    assert chain(matches_of(rows), seen, NETWORK).members.values.tolist() == [3, 4, 1, 2]


def test_queries_without_candidates_and_empty_tables():
    seen = tracklets_of(["c1", "c2"], [0, 20])
    assert len(chain(matches_of([(1, "c1", "c2", [], [], [])]), seen, NETWORK)) == 0
    assert isinstance(chain(Matches.empty(), Tracklets.empty(), NETWORK), Journeys)
    assert len(chain(Matches.empty(), seen, NETWORK)) == 0


def test_ids_depend_on_the_members_only():
    seen = tracklets_of(["c1", "c2", "c3"], [0, 20, 60])
    rows = [(1, "c1", "c2", [2], [0.9], [20.0]), (2, "c2", "c3", [3], [0.8], [40.0])]
    one, two = (chain(matches_of(order), seen, NETWORK) for order in (rows, rows[::-1]))
    assert one == two
    assert one.id[0] != chain(matches_of(rows[:1]), seen, NETWORK).id[0]


def test_vehicles_are_followed_down_the_road():
    scene = roads.drive(roads.Scenery(cameras=("c1", "c2", "c3"), seconds=400))
    found = track(scene.detections, scene.embeddings)
    table = chain(match(found, scene.network), found, scene.network)
    order = np.argsort(scene.detections.id)
    rows = order[np.searchsorted(scene.detections.id[order], found.members.values)]
    owner = dict(zip(found.id.tolist(), scene.identity[rows][found.members.offsets[:-1]].tolist(), strict=True))
    owners = np.array([owner[name] for name in table.members.values.tolist()])
    same = np.minimum.reduceat(owners, table.members.offsets[:-1]) == np.maximum.reduceat(
        owners, table.members.offsets[:-1]
    )
    assert same.mean() > 0.95
    assert (table.members.lengths == 3).mean() > 0.6
    assert table.members.lengths.max() == 3
    assert np.median(table.speed.values) == pytest.approx(18, rel=0.1)
    assert np.all(np.diff(table.time.values)[table.members.row[1:] == table.members.row[:-1]] > np.timedelta64(0))


@pytest.mark.parametrize("value", [0.0, -1.0, 1.5, float("nan")])
def test_impossible_settings_are_refused(value):
    with pytest.raises(SettingsError, match="min_probability"):
        JourneySettings(min_probability=value)


def test_a_camera_may_miss_the_vehicle():
    seen = tracklets_of(["c1", "c2", "c3"], [0, 20, 60])
    across = (1, "c1", "c3", [3], [0.8], [60.0])
    table = chain(matches_of([across]), seen, NETWORK)
    assert table.members.values.tolist() == [1, 3]
    assert table.speed.values.tolist() == pytest.approx([800 / 60] * 2)
    direct = [(1, "c1", "c2", [2], [0.6], [20.0]), (2, "c2", "c3", [3], [0.6], [40.0])]
    assert chain(matches_of([across, *direct]), seen, NETWORK).members.values.tolist() == [1, 2, 3]


def test_no_camera_is_passed_over_where_the_road_turns_back():
    back = {(link.origin, link.target) for link in NETWORK.skipping()}
    assert back == {("c1", "c3"), ("c3", "c1")}


def test_of_two_candidates_the_one_that_wants_the_query_wins_at_both_ends():
    """1 is the best of 4 and 4 of 1; 3 has only 1, and gets nobody."""
    seen = tracklets_of(["c1", "c1", "c2", "c2"], [0, 2, 20, 21])
    rows = [(1, "c1", "c2", [4], [0.9], [21.0]), (2, "c1", "c2", [4], [0.8], [19.0])]
    assert chain(matches_of(rows), seen, NETWORK).members.values.tolist() == [1, 4]


def test_one_query_on_two_links_goes_the_likelier_way():
    """From c2 a vehicle goes to c1 or to c3, not to both."""
    seen = tracklets_of(["c2", "c1", "c3"], [0, 20, 25])
    rows = [(1, "c2", "c1", [2], [0.6], [20.0]), (1, "c2", "c3", [3], [0.7], [25.0])]
    assert chain(matches_of(rows), seen, NETWORK).members.values.tolist() == [1, 3]


def test_a_link_just_as_likely_as_asked_for_counts():
    seen = tracklets_of(["c1", "c2"], [0, 20])
    rows = [(1, "c1", "c2", [2], [0.5], [20.0])]
    assert len(chain(matches_of(rows), seen, NETWORK, JourneySettings(min_probability=0.5))) == 1
    assert len(chain(matches_of(rows), seen, NETWORK, JourneySettings(min_probability=0.51))) == 0


def test_a_lag_of_nothing_gives_a_speed_all_the_same():
    seen = tracklets_of(["c1", "c2"], [0, 0])
    table = chain(matches_of([(1, "c1", "c2", [2], [0.9], [0.0])]), seen, NETWORK)
    assert np.all(np.isfinite(table.speed.values))


def test_the_meta_says_what_made_it():
    seen = tracklets_of(["c1", "c2"], [0, 20])
    table = chain(matches_of([(1, "c1", "c2", [2], [0.9], [20.0])]), seen, NETWORK)
    assert table.meta["min_probability"] == "0.5"
    assert table.meta.keys() == chain(Matches.empty(), seen, NETWORK).meta.keys()
