from __future__ import annotations

import json
import stat
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctview.errors import FormatError, InputError
from cctview.formats.files import ecma_json, file_name, read_json, replacing, write_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (100.0, "100"),
        (0.1, "0.1"),
        (0.00005653646439895965, "0.00005653646439895965"),
        (0.000001, "0.000001"),
        (4.206150947538845e-7, "4.206150947538845e-7"),
        (1e-7, "1e-7"),
        (-2.5e-9, "-2.5e-9"),
        (123456789012345680000.0, "123456789012345680000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (-0.05, "-0.05"),
        (7, "7"),
    ],
)
def test_numbers_are_written_as_ecmascript_does(value: float, text: str) -> None:
    assert ecma_json(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_read_back_exactly(value: float) -> None:
    assert float(json.loads(ecma_json(value))) == value


TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@given(TREES)
def test_layout_is_that_of_an_indented_dump(value: object) -> None:
    assert ecma_json(value) == json.dumps(value, indent=2)


def test_a_file_is_replaced_in_one_step_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    write_text(path, "old\n")

    class StopError(Exception):
        pass

    def half() -> None:
        with replacing(path) as written:
            written.write_text("half")
            raise StopError

    with pytest.raises(StopError):
        half()
    assert path.read_text() == "old\n"
    assert [file.name for file in path.parent.iterdir()] == ["a.txt"]
    assert stat.S_IMODE(path.stat().st_mode) & 0o400


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"a\.txt: cannot be written .*; choose another place"):
        write_text(tmp_path / "file" / "a.txt", "x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        write_text(tmp_path / "folder", "x")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../a", "a\\b", "a\0", "a\nb"])
def test_names_that_would_leave_the_folder_are_refused(name: str) -> None:
    with pytest.raises(FormatError, match="cannot name a file"):
        file_name(name)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not valid JSON"),
        ("<html>", "not valid JSON"),
        ("[1, 2]", "expected a JSON object, got list"),
        ('{"a": NaN}', "NaN is no number"),
        ('{"a": -Infinity}', "no number"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "not valid JSON"),
        ('{"a": ' + "9" * 10_000 + "}", "not valid JSON"),
        ("\ud800", "not valid JSON"),
    ],
)
def test_hostile_json_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(FormatError, match=f"a.json: .*{words}"):
        read_json(path)


def test_json_that_is_not_there_or_too_large(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="cannot be read"):
        read_json(tmp_path / "none.json")
    with (tmp_path / "large.json").open("wb") as file:
        file.truncate(300_000_000)
    with pytest.raises(FormatError, match="refused, larger"):
        read_json(tmp_path / "large.json")


def test_float32_survives() -> None:
    values = (np.random.default_rng(0).normal(size=1000) * 10.0 ** np.arange(-20, 20).repeat(25)).astype(np.float32)
    back = np.array([float(ecma_json(value)) for value in values.astype(np.float64).tolist()]).astype(np.float32)
    assert np.array_equal(back, values)
