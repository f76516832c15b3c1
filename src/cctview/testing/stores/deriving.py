"""Tables made from what is stored: put in place, added to, checked against what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cctview.errors import InputError, SettingsError, StoreChangedError, StoreError, StoreMismatchError
from cctview.seams import Store
from cctview.testing.samples import CAMERAS, SECOND, START, batch, breaks, journeys, matches, passages, travel_times
from cctview.testing.stores.keeping import NETWORK, OTHER
from cctview.testing.stores.making import POLICY, StoreMaking, raising
from cctview.types import Breaks, Detections, Frames, Journeys, Matches, Passages, Ragged, Tracklets, TravelTimes

__all__ = ["Deriving"]

STATES = {"tracker/733": b"\x00where they are", "matcher": b""}


class Deriving(StoreMaking):
    """Replace, extend, states."""

    def test_every_derived_table_survives(self) -> None:
        """All columns, in the order of the table."""
        store, ends = self.full(), CAMERAS[:2]
        tracks = self.tracks(store)
        assert np.allclose(store.scan(Tracklets).vector, tracks.sort("camera", "first_time", "id").vector, atol=1e-3)
        assert store.scan(Tracklets).members == tracks.sort("camera", "first_time", "id").members
        assert store.scan(Passages) == passages(tracks, ends[1]).sort("camera", "time", "id")
        assert store.scan(Matches) == matches(tracks, *ends).sort("query_camera", "query", "camera")
        chains = journeys(tracks, *ends)
        starts = chains.time.values[chains.time.offsets[:-1]]
        assert store.scan(Journeys) == chains[np.lexsort([chains.id, starts])]
        assert store.scan(TravelTimes) == travel_times(*ends).sort("origin", "target", "start")
        assert store.scan(Breaks) == breaks(*ends).sort("camera", "time", "kind")

    def test_they_are_replaced_as_a_whole(self) -> None:
        """The old rows of the kind are gone, those of other kinds stay."""
        store = self.full()
        tracks, read = self.tracks(store), store.scan(Tracklets)
        store.replace([tracks[:3]])
        assert len(store.scan(Tracklets)) == 3
        assert len(store.scan(Breaks)) == 3
        store.replace([Tracklets.empty()])
        assert len(store.scan(Tracklets)) == 0
        store.replace([tracks])
        assert store.scan(Tracklets) == read

    def test_they_are_filtered(self) -> None:
        """By camera, by time, by the ids of their rows."""
        store, (first, second) = self.full(), CAMERAS[:2]
        tracks, chains = store.scan(Tracklets), store.scan(Journeys)
        assert store.scan(Tracklets, before=START + 3 * SECOND) == tracks[tracks.first_time < START + 3 * SECOND]
        starts = chains.time.values[chains.time.offsets[:-1]]
        assert len(store.scan(Journeys, after=starts[1])) == (starts >= starts[1]).sum()
        assert len(store.scan(Matches, camera=second)) == 0
        crossed = store.scan(Passages)
        assert store.scan(Passages, camera=second, before=crossed.time[1]) == crossed[:1]
        assert len(store.scan(Passages, camera=first)) == 0
        query = store.scan(Matches).query[:2]
        assert np.array_equal(store.scan(Matches, ids=query).query, query)
        table = breaks(first, second)
        assert store.scan(Breaks, camera=first, after=table.time[1]).kind.tolist() == ["turned"]
        late = store.scan(TravelTimes, camera=first, after=travel_times(first, second).start.max())
        assert (late.origin.tolist(), late.target.tolist()) == ([first], [second])
        with raising(SettingsError, "no ids"):
            store.scan(TravelTimes, ids=np.array([1]))

    def test_rows_made_from_what_is_gone_are_refused(self) -> None:
        """Tracklets of forgotten detections, matches of forgotten tracklets."""
        store = self.full()
        tracks, found = store.scan(Tracklets), store.scan(Matches)
        store.forget(camera="735")
        with raising(StoreError, "Tracklets name detections that are not stored"):
            store.replace([tracks])
        with raising(StoreError, "Matches name tracklets that are not stored"):
            store.replace([found])

    def test_new_rows_are_checked_against_the_tracklets_they_come_with(self) -> None:
        """Not against those they replace."""
        store = self.full()
        tracks, found = store.scan(Tracklets), store.scan(Matches)
        with raising(StoreError, "Matches name tracklets that are not stored"):
            store.replace([found, tracks[:1]])
        assert store.scan(Tracklets) == tracks
        store.replace([Matches.empty(), tracks[:1]])
        assert (len(store.scan(Tracklets)), len(store.scan(Matches))) == (1, 0)

    def test_parts_become_visible_in_one_step_and_hinder_no_one_before(self) -> None:
        """While the parts of a kind come, others read the old rows and write stills."""
        store = self.full()
        other, tracks = self.again(store, write=True), store.scan(Tracklets)

        def parts() -> Iterator[Tracklets]:
            yield tracks[:2]
            yield Tracklets.empty()
            assert other.scan(Tracklets) == tracks
            assert other.append(batch([40])).frames == 1
            yield tracks[2:4]

        store.replace(parts())
        assert other.scan(Tracklets).sort("id") == tracks[:4].sort("id")
        assert len(store.scan(Frames)) == 13

    def test_an_exchange_that_breaks_off_changes_nothing(self) -> None:
        """Whatever the error, the rows before stay."""
        store = self.full()
        tracks = store.scan(Tracklets)

        def broken_off() -> Iterator[Tracklets]:
            yield tracks[:2]
            raise KeyboardInterrupt

        writes: list[Callable[[], None]] = [
            lambda: store.replace(broken_off()),
            lambda: store.extend(broken_off(), {}),
        ]
        for write in writes:
            try:
                write()
            except KeyboardInterrupt:
                pass
            else:
                raise AssertionError("the interruption was lost")
            assert store.scan(Tracklets) == tracks

    def test_only_derived_tables_are_put_in_place(self) -> None:
        """Frames and detections come by append; journeys have points."""
        store = self.full()
        wrong: Any = [store.scan(Frames)]
        writes: list[Callable[[], None]] = [lambda: store.replace(wrong), lambda: store.extend(wrong, {})]
        for write in writes:
            with raising(InputError, "use append"):
                write()
        one = store.scan(Journeys)[:1]
        none = {name: Ragged.from_lengths(getattr(one, name).values[:0], [0]) for name in _POINTS}
        with raising(InputError, "needs a point"):
            store.replace([one.replace(**none)])

    def test_rows_are_added_and_states_put_in_place_in_one_step(self) -> None:
        """Each step replaces the states of the one before."""
        store = self.make(POLICY)
        assert store.states() == {}
        store.append(batch(range(12)))
        tracks = self.tracks(store)
        for name in CAMERAS:
            store.extend([tracks[tracks.camera == name]], {**STATES, "last": name.encode()})
            assert store.states() == {**STATES, "last": name.encode()}
        assert store.scan(Tracklets).id.tolist() == tracks.sort("camera", "first_time", "id").id.tolist()
        assert self.again(store).states()["last"] == CAMERAS[-1].encode()
        store.extend([], {})
        assert store.states() == {}
        assert len(store.scan(Tracklets)) == len(tracks)

    def test_added_rows_may_name_rows_that_come_with_them_or_came_before(self) -> None:
        """And nothing is changed by a step that is refused."""
        store = self.make(POLICY)
        store.append(batch(range(12)))
        tracks = self.tracks(store)
        store.extend([tracks[tracks.camera == CAMERAS[0]]], {})
        linked = matches(tracks, *CAMERAS[:2])
        with raising(StoreError, "name tracklets that are not stored"):
            store.extend([linked], STATES)
        assert store.states() == {}
        store.extend([linked, tracks[tracks.camera == CAMERAS[1]]], {})
        assert len(store.scan(Matches)) == len(linked)

    def test_rows_that_are_stored_already_are_not_added(self) -> None:
        """A row is there once, or something is wrong with whoever adds it."""
        store = self.make(POLICY)
        store.append(batch(range(6)))
        tracks = self.tracks(store)
        store.extend([tracks], STATES)
        with raising(StoreError, "stored already"):
            store.extend([tracks[:1]], {})
        assert store.states() == STATES
        assert len(store.scan(Tracklets)) == len(tracks)

    def test_rows_of_another_method_are_not_added(self) -> None:
        """They may replace the others, but not stand beside them."""
        store = self.make(POLICY)
        store.append(batch(range(6)))
        tracks = self.tracks(store)
        store.extend([tracks[:1]], STATES)
        other = Tracklets.concat([tracks[1:]])
        other.meta["producer"] = "tracker 2"
        with raising(StoreMismatchError, "tracker 1.*tracker 2"):
            store.extend([other], {})
        assert len(store.scan(Tracklets)) == 1
        store.replace([other])
        assert store.scan(Tracklets).meta == {"producer": "tracker 2"}

    def test_rows_made_with_another_network_are_refused(self) -> None:
        """Links, or a time zone, other than the store's."""
        store = self.make(POLICY)
        store.append(batch(range(6)))
        tracks = self.tracks(store)
        with raising(StoreMismatchError, "not set"):
            store.replace([NETWORK.stamped(tracks)])
        store.set_network(NETWORK)
        with raising(StoreMismatchError, "camera network"):
            store.replace([OTHER.stamped(tracks)])
        with raising(StoreMismatchError, "camera network"):
            store.extend([OTHER.stamped(tracks)], {})
        store.extend([NETWORK.stamped(tracks)], {})
        assert store.scan(Tracklets).meta == {"producer": "tracker 1", **NETWORK.meta}

    def test_states_stay_where_nothing_is_taken_away(self) -> None:
        """New stills, the same network, and an expiry that finds nothing change no state."""
        store = self.full()
        store.set_network(NETWORK)
        store.extend([], STATES)
        store.expire(START)
        store.set_network(NETWORK)
        store.append(batch([90]))
        store.preview(camera=CAMERAS[0])
        assert store.states() == STATES

    def test_what_was_read_before_a_removal_is_not_stored_after_it(self) -> None:
        """Rows and states made meanwhile may still hold what was taken away."""
        store = self.full()
        before = store.removals
        store.extend([], STATES, removals=before)
        store.forget(camera=CAMERAS[0])
        rows = len(store.scan(Tracklets))
        with raising(StoreChangedError, "make them again"):
            store.extend([], STATES, removals=before)
        assert store.states() == {}
        assert len(store.scan(Tracklets)) == rows
        store.extend([], STATES, removals=store.removals)
        assert self.again(store).states() == STATES
        assert self.again(store).removals == store.removals > before

    def test_states_go_with_what_they_were_made_from(self) -> None:
        """They hold what vehicles look like: nothing that takes vehicles away leaves them."""
        late = np.datetime64("2126-01-01", "ns")
        changes: list[Callable[[Store], object]] = [
            lambda store: store.replace([Tracklets.empty(), Matches.empty(), Journeys.empty()]),
            lambda store: store.set_policy(POLICY),
            lambda store: store.set_network(NETWORK),
            lambda store: store.forget(before=START),
            lambda store: store.forget(ids=store.scan(Detections).id[:1]),
            lambda store: store.forget(camera=CAMERAS[0]),
            lambda store: store.expire(late),
        ]
        for change in changes:
            store = self.full()
            store.extend([], STATES)
            change(store)
            assert store.states() == {}
            assert self.again(store).states() == {}


_POINTS = ("members", "time", "lon", "lat", "speed")
