from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctview.errors import TableError
from cctview.table import Ragged
from cctview.types import Detections, Embeddings, Journeys, Matches


def detections(count: int = 3, **columns: object) -> Detections:
    rows = np.arange(count)
    given = {
        "id": rows + 10,
        "frame": rows // 2,
        "camera": np.array(["a", "bb"])[rows % 2],
        "time": np.datetime64("2020-05-05T17:00:00", "ns") + rows.astype("timedelta64[s]"),
        "rank": rows + 1,
        "box": np.stack([rows, rows, rows + 5, rows + 9], axis=1).astype(np.float32),
        "score": np.linspace(0.1, 1, count, dtype=np.float32),
        "type": np.array(["car", "truck", "bus"])[rows % 3],
    }
    return Detections(meta={"detector": "x"}, **(given | columns))


def test_a_mask_acts_on_every_column() -> None:
    table = detections(4)
    part = table[table.camera == "bb"]
    assert part.id.tolist() == [11, 13]
    assert part.box[:, 0].tolist() == [1, 3]
    assert part.meta == table.meta


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("box", [[0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 1, 1]], "x1 < x2.*row 1"),
        ("box", [[0, 0, 1]] * 3, r"expected shape \(N, 4\), got \(3, 3\)"),
        ("box", [[0, 0, np.nan, 1]] * 3, "finite"),
        ("score", [0.5, 0.5, 87.5], "in \\[0, 1\\].*87.5.*row 2"),
        ("score", ["a", "b", "c"], "convert it first"),
        ("type", ["car", "cat", "bus"], "one of car.*row 1"),
        ("camera", ["a", "", "b"], "not empty"),
        ("id", [1, -1, 2], "content hash.*row 1"),
        ("time", np.array(["NaT"] * 3, "datetime64[ns]"), "finite"),
        ("rank", [1, 2], "differ in length"),
    ],
)
def test_a_broken_column_is_named_with_its_row(column: str, value: object, words: str) -> None:
    with pytest.raises(TableError, match=words):
        detections(3, **{column: value})


def test_unknown_and_missing_columns_are_refused_with_a_hint() -> None:
    with pytest.raises(TableError, match="did you mean 'score'"):
        Detections(scores=[])
    with pytest.raises(TableError, match="needs the column"):
        Embeddings(detection=[1])


def test_vectors_must_be_of_unit_length() -> None:
    with pytest.raises(TableError, match="unit length"):
        Embeddings(detection=[1], vector=[[3.0, 4.0]], quality=[0.5])
    with pytest.raises(TableError, match=r"Embeddings\.length: expected lengths > 0"):
        Embeddings(detection=[1], vector=[[0.6, 0.8]], quality=[0.5], length=[0.0])


def test_a_column_with_a_default_may_be_left_out():
    table = Embeddings(detection=[1, 2], vector=[[0.6, 0.8], [1.0, 0.0]], quality=[0.5, 1.0])
    assert table.length.tolist() == [1.0, 1.0]
    assert Embeddings.from_arrow(table.to_arrow().drop_columns(["length"])) == table
    assert Embeddings.from_arrow(table.replace(length=[2.0, 3.0]).to_arrow()).length.tolist() == [2.0, 3.0]
    with pytest.raises(TableError, match="needs the column 'quality'"):
        Embeddings(detection=[1], vector=[[0.6, 0.8]])


def test_a_table_is_read_only_and_refuses_iteration_and_single_rows() -> None:
    table = detections()
    with pytest.raises(ValueError, match="read-only"):
        table.score[0] = 0
    with pytest.raises(TypeError, match="refuses to be iterated"):
        iter(table)
    with pytest.raises(TypeError, match="single rows"):
        table[0]  # type: ignore[index]


def test_tables_of_different_producers_do_not_join() -> None:
    other = Detections(meta={"detector": "y"}, **{key: getattr(detections(), key) for key in Detections.columns})
    with pytest.raises(TableError, match="different producers"):
        Detections.concat([detections(), other])
    assert Detections.concat([detections(2), Detections.empty()]) == detections(2)


@given(st.integers(0, 20))
def test_arrow_round_trip_is_identity(count: int) -> None:
    table = detections(count)
    assert Detections.from_arrow(table.to_arrow()) == table


def matches() -> Matches:
    def ragged(values: list[float], dtype: type = np.float32) -> Ragged:
        return Ragged.from_lengths(np.array(values, dtype), [2, 0, 1])

    return Matches(
        query=[1, 2, 3],
        query_camera=["a", "a", "b"],
        camera=["b", "b", "c"],
        candidates=ragged([7, 8, 9], np.int64),
        distance=ragged([0.1, 0.2, 0.3]),
        probability=ragged([0.6, 0.1, 0.9]),
        lag_s=ragged([20, 22, 200]),
        **dict.fromkeys(("looks", "size", "timing", "lane", "order", "context"), ragged([1, -1, 0.5])),
        p_none=[0.3, 1, 0.1],
    )


def test_ragged_columns_follow_the_index_and_survive_arrow() -> None:
    table = matches()
    assert table[::-1].candidates.values.tolist() == [9, 7, 8]
    assert table[np.array([1])].candidates.lengths.tolist() == [0]
    assert Matches.from_arrow(table.to_arrow()) == table
    assert Matches.concat([table, table]).candidates.lengths.tolist() == [2, 0, 1, 2, 0, 1]
    assert Journeys.from_arrow(Journeys.empty().to_arrow()) == Journeys.empty()


@given(st.lists(st.lists(st.integers(0, 99), max_size=4), max_size=8), st.data())
def test_ragged_indexing_equals_list_indexing(rows: list[list[int]], data: st.DataObject) -> None:
    flat = np.array([value for row in rows for value in row], np.int64)
    ragged = Ragged.from_lengths(flat, [len(row) for row in rows])
    picks = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=8)) if rows else []
    chosen = ragged[np.array(picks, np.intp)]
    assert [chosen.values[a:b].tolist() for a, b in zip(chosen.offsets[:-1], chosen.offsets[1:], strict=True)] == [
        rows[pick] for pick in picks
    ]


def test_ragged_refuses_offsets_that_do_not_fit() -> None:
    with pytest.raises(TableError, match="rise from 0 to 3"):
        Ragged(np.arange(3), np.array([0, 2]))
    with pytest.raises(TableError, match="expected Ragged"):
        matches().replace(candidates=np.arange(3))


def test_grouped_keeps_order_within_a_group() -> None:
    ragged = Ragged.grouped(np.array([5, 6, 7, 8]), np.array([1, 0, 1, 1]), 3)
    assert ragged.values.tolist() == [6, 5, 7, 8]
    assert ragged.lengths.tolist() == [1, 3, 0]
    assert ragged.row.tolist() == [0, 1, 1, 1]


def test_sort_orders_by_the_first_key_first() -> None:
    assert detections(4).sort("camera", "score").id.tolist() == [10, 12, 11, 13]
