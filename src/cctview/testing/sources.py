"""What every source of stills must do, as tests.

A plug-in's own test module subclasses the suite and says how to make its source::

    from cctview.testing.sources import SourceContract

    class TestMine(SourceContract):
        def make(self, folder):
            return MySource(...)

``make`` is called more than once and must lead to the same stills each time; ``folder`` is an empty one to put files
into. A source that never ends is cut off after ``most`` items.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np

from cctview.network import CameraNetwork
from cctview.seams import Source
from cctview.sources import Known, Skipped
from cctview.types import Frame

__all__ = ["SourceContract"]

Item = Frame | Skipped | Known


class SourceContract:
    """Subclass, and override ``make``; pytest finds the tests. ``tmp_path`` is pytest's empty folder."""

    most = 200

    def make(self, folder: Path) -> Source:
        """Return the source under test, with at least three stills that can be used."""
        raise NotImplementedError

    def test_it_says_what_it_is(self, tmp_path: Path) -> None:
        """A name for messages, whether it may never end, and the camera network that comes with it, if any."""
        source = self.make(tmp_path)
        assert isinstance(source.name, str)
        assert source.name
        assert isinstance(source.live, bool)
        assert source.network is None or isinstance(source.network, CameraNetwork)

    def test_every_still_has_what_a_frame_needs(self, tmp_path: Path) -> None:
        """RGB pixels, a camera, a time that is one, and how wrong that may be."""
        frames = self._frames(tmp_path)
        assert len(frames) >= 3
        for frame in frames:
            assert frame.image.dtype == np.uint8
            assert frame.image.ndim == 3
            assert frame.image.shape[2] == 3
            assert frame.camera
            assert frame.name
            assert not np.isnat(frame.time)
            assert frame.time_error_s >= 0

    def test_every_still_comes_once_and_skipped_ones_have_a_reason(self, tmp_path: Path) -> None:
        """No frame has the id of another; what cannot be used is told with its place."""
        items = self._items(tmp_path)
        ids = [item.id for item in items if isinstance(item, Frame)]
        assert len(set(ids)) == len(ids)
        assert all(item.where and item.reason for item in items if isinstance(item, Skipped))

    def test_the_same_stills_come_again_in_the_same_order(self, tmp_path: Path) -> None:
        """Two readings agree in ids, pixels and times."""
        once, again = self._frames(tmp_path), self._frames(tmp_path)
        assert [frame.id for frame in once] == [frame.id for frame in again]
        assert all(np.array_equal(one.image, two.image) for one, two in zip(once, again, strict=True))

    def test_one_source_can_be_read_twice(self, tmp_path: Path) -> None:
        """A second call of ``frames`` begins anew."""
        source = self.make(tmp_path)
        if not source.live:
            first, second = ([_id(item) for item in source.frames(_nothing)] for _ in range(2))
            assert first == second

    def test_what_is_stored_is_not_handed_out_again(self, tmp_path: Path) -> None:
        """A known still is named by its id in its place, and the others still come."""
        frames = self._frames(tmp_path)
        stored = {frame.id for frame in frames[::2]}
        again = list(islice(self.make(tmp_path).frames(stored.__contains__), self.most))
        handed_out = [item.id for item in again if isinstance(item, Frame)]
        assert not stored & set(handed_out)
        assert {item.id for item in again if isinstance(item, Known)} == stored
        assert handed_out == [frame.id for frame in frames[1::2]]

    def test_the_count_is_what_comes(self, tmp_path: Path) -> None:
        """Where a source knows how many stills to expect, so many items come; a live one cannot know."""
        source = self.make(tmp_path)
        count = source.count()
        if source.live:
            assert count is None
        elif count is not None:
            assert count == len(self._items(tmp_path))

    def test_the_pixels_need_no_more_than_one_still(self, tmp_path: Path) -> None:
        """Stills come one by one: the first can be had and the rest left alone."""
        items = self.make(tmp_path).frames(_nothing)
        assert next(iter(items)) is not None
        close = getattr(items, "close", None)
        if close is not None:
            close()

    def _items(self, folder: Path) -> list[Item]:
        return list(islice(self.make(folder).frames(_nothing), self.most))

    def _frames(self, folder: Path) -> list[Frame]:
        return [item for item in self._items(folder) if isinstance(item, Frame)]


def _nothing(frame: int) -> bool:  # noqa: ARG001
    return False


def _id(item: Item) -> object:
    return item.where if isinstance(item, Skipped) else item.id
