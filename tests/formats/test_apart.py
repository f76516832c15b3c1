from __future__ import annotations

import unicodedata

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cctview.formats.apart import apart, camera_files
from cctview.types import Frames


def frames(rows: list[tuple[str, str, int]]) -> Frames:
    """Frames of (camera, name, second)."""
    count = len(rows)
    return Frames(
        id=np.arange(count),
        camera=np.array([camera for camera, _, _ in rows], np.str_),
        time=np.datetime64("2020-05-05T13:00:00", "ns")
        + np.array([at for *_, at in rows]) * np.timedelta64(10**9, "ns"),
        time_error_s=np.zeros(count),
        name=np.array([name for _, name, _ in rows], np.str_),
        digest=np.arange(count),
        width=np.full(count, 8),
        height=np.full(count, 8),
    )


def test_only_names_that_are_taken_change_and_say_why_they_differ() -> None:
    given_rows = [
        ("a", "1", 0),
        ("b", "1", 0),
        ("b", "2", 0),
        ("c", "3", 0),
        ("c", "3", 1),
        ("d", "x", 0),
        ("d", "X", 0),
    ]
    assert apart(frames(given_rows)).name.tolist() == [
        "a--1",
        "b--1",
        "2",
        "c--3--2020-05-05--13.00.00.000",
        "c--3--2020-05-05--13.00.01.000",
        "d--x--0000000000000005",
        "d--X--0000000000000006",
    ]


def test_a_name_that_begins_with_its_camera_does_not_say_it_twice() -> None:
    rows = [("a", "a--1", 0), ("a", "a--1", 5)]
    assert apart(frames(rows)).name[0] == "a--1--2020-05-05--13.00.00.000"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "A", "b"]),
            st.sampled_from(["1", "b--1", "\u00e9", "e\u0301", "E"]),
            st.integers(0, 2),
        ),
        max_size=20,
    )
)
def test_no_two_stills_share_a_file_on_any_disk(rows: list[tuple[str, str, int]]) -> None:
    names = apart(frames(rows)).name.tolist()
    assert len({unicodedata.normalize("NFC", name).casefold() for name in names}) == len(rows)


def test_files_of_cameras_stay_apart_too() -> None:
    assert camera_files(["b", "a", "A", "a"]) == {"A": "A", "a": "a~2", "b": "b"}
