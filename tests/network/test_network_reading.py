from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctview.errors import NetworkFileError
from cctview.network import load_network, parse_network

KEYS = ["id", "lat", "lon", "heading", "from", "to", "metres", "min_s", "clock_s", "name"]
THREE = """
timezone = "America/New_York"
[[camera]]
id = "a"
lat = 40.75
lon = -73.96
heading = "N"
[[camera]]
id = "b"
lat = 40.74
lon = -73.97
heading = 200
[[camera]]
id = "c"
lat = 40.73
lon = -73.97
heading = "S"
[[link]]
from = "a"
to = "b"
direction = "S"
miles = 0.3
[[link]]
from = "b"
to = "c"
min_s = 10
max_s = 90
"""


def test_cameras_and_links_are_read() -> None:
    network = parse_network(THREE)
    assert network.timezone == "America/New_York"
    assert network.cameras.id.tolist() == ["a", "b", "c"]
    assert network.heading("b") == 200
    assert network.heading("z") is None
    first, second = network.links
    assert first.metres == pytest.approx(482.8, abs=0.1)
    assert first.direction_deg == 180
    assert first.min_s < 12
    assert first.max_s > 22
    assert second.metres == pytest.approx(1112, rel=1e-2)
    assert second.direction_deg == pytest.approx(180, abs=1)
    assert (second.min_s, second.max_s) == (10, 90)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("lat = 40.75", "lat = 400", "camera 'a': lat must be a number from -90 to 90, got 400"),
        ("lat = 40.75", 'lat = "x"', "lat must be a number"),
        ("lat = 40.75", "", "camera 'a': lon stands alone; give both lat and lon, or neither"),
        ('heading = "N"', 'heading = "up"', "heading must be one of N"),
        ('heading = "N"', 'heading = "N"\nclock_s = 3601', "clock_s must be a number from -3600 to 3600"),
        ('id = "b"', 'id = "a"', "listed twice"),
        ('id = "b"', "", "id must be a text"),
        ('to = "b"', 'to = "bb"', "no camera 'bb'; did you mean 'b'"),
        ('heading = "N"', "aimed = 3", "aimed must be true or false, got 3"),
        ("miles = 0.3", 'leaves = "north"', "link 1: leaves must be one of towards, away, right, left, got 'north'"),
        ("miles = 0.3", "measured = 1", "measured must be true or false, got 1"),
        ("miles = 0.3", "learnt = 3", "link 1: learnt: expected a table"),
        ("miles = 0.3", "learnt = { share = 1 }", "learnt: median_s must be a number from 0"),
        ("miles = 0.3", "mile = 0.3", "unknown key 'mile'; did you mean 'miles'"),
        ("miles = 0.3", "miles = -1", "miles must be"),
        ("min_s = 10", "min_s = 100", "min_s 100 must be below max_s 90"),
        ('"America/New_York"', '"Mars"', "no time zone 'Mars'"),
        ("[[link]]", "[[lnk]]", "unknown key 'lnk'"),
        ("[[camera]]", "[[camera", "not valid TOML"),
    ],
)
def test_a_wrong_entry_is_named_with_the_fix(old: str, new: str, words: str) -> None:
    with pytest.raises(NetworkFileError, match=words):
        parse_network(THREE.replace(old, new, 1))


def test_entries_that_are_no_tables_are_refused() -> None:
    with pytest.raises(NetworkFileError, match="expected a table"):
        parse_network("camera = [1]")


def test_the_shoreline_is_read() -> None:
    network = parse_network("shoreline = [[40.7, -73.97], [40.8, -73]]")
    assert network.shoreline == ((40.7, -73.97), (40.8, -73.0))
    assert parse_network("").shoreline == ()


@pytest.mark.parametrize(
    "points", ["3", "[[40.7, -73.9]]", "[[40.7, -73.9], [1]]", "[[40.7, 'x'], [1, 2]]", "[[91, 0], [0, 0]]"]
)
def test_a_wrong_shoreline_is_refused(points: str) -> None:
    with pytest.raises(NetworkFileError, match="shoreline must be"):
        parse_network(f"shoreline = {points}")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NetworkFileError, match="cannot be read"):
        load_network(tmp_path / "no.toml")


def test_how_long_a_link_takes_follows_from_its_length() -> None:
    far, short = (parse_network(THREE.replace("miles = 0.3", f"metres = {metres}")).links[0] for metres in (3600, 50))
    assert (far.min_s, far.max_s) == (3500 / 35, 3700 / 2.5 + 60)
    assert (short.min_s, short.max_s) == (0, 150 / 2.5 + 60)
    bounded = parse_network(THREE.replace("miles = 0.3", "metres = 3600\nmin_s = 1")).links[0]
    assert (bounded.min_s, bounded.max_s) == (1, 3700 / 2.5 + 60)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("miles = 700", "miles must be a number from 0 to 621"),
        ("metres = -1", "metres must be a number from 0 to 1e"),
        ("max_s = 604801", "max_s must be a number from 0 to 604800"),
        ("min_s = -1", "min_s must be"),
        ("min_s = true", "min_s must be a number"),
    ],
)
def test_impossible_lengths_and_times_are_refused(line: str, words: str) -> None:
    with pytest.raises(NetworkFileError, match=words):
        parse_network(THREE.replace("miles = 0.3", line))


def test_an_interval_that_is_no_number_is_refused() -> None:
    with pytest.raises(NetworkFileError, match="camera 'b': interval_s must be a number from 0 to 86400"):
        parse_network(THREE.replace('id = "b"', 'id = "b"\ninterval_s = "often"'))


CAMERA = '[[camera]]\nid = "a"\nlat = 40\nlon = -73\nheading = "N"\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (CAMERA.replace("[[camera]]", "[camera]"), r"\[camera\] is not a list of tables; write \[\[camera\]\]"),
        ("camera = 5\n", r"camera = 5 is not a list"),
        ("link = 5\n" + CAMERA, r"link = 5 is not a list"),
        ('link = "x"\n' + CAMERA, "link = 'x' is not a list"),
        ("camera = [1]\n", "camera 1: expected a table of keys"),
        ("a = " + "[" * 3000 + "]" * 3000, "not valid TOML"),
        (CAMERA + "interval_s = [1]\n", "interval_s must be a number"),
        (CAMERA + "clock_s = nan\n", "clock_s must be a number"),
        (CAMERA.replace("40", "inf"), "lat must be a number"),
        (CAMERA.replace("40", "-140"), "lat must be a number"),
        (CAMERA.replace('"N"', "true"), "heading must be one of"),
        (CAMERA.replace('"a"', "7"), "id must be a text"),
        (CAMERA + "latt = 3\n", "unknown key 'latt'; did you mean 'lat'"),
        ("timezone = 5\n" + CAMERA, "no time zone"),
        ("shoreline = {}\n" + CAMERA, "shoreline must be"),
    ],
)
def test_what_is_malformed_is_one_sentence_with_the_place(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "n.toml"
    path.write_text(text)
    with pytest.raises(NetworkFileError, match=words) as error:
        load_network(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


VALUES = st.recursive(
    st.one_of(
        st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.sampled_from(["N", "a", "nan", "UTC", "2s"])
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["camera", "link", "timezone", "shoreline", "x"]), VALUES, max_size=4))
def test_no_value_anywhere_does_more_than_be_refused(document: dict[str, object]) -> None:
    text = "\n".join(f"{key} = {toml(value)}" for key, value in document.items())
    with suppress(NetworkFileError):
        parse_network(text)


def toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(entry)}" for key, entry in value.items()) + "}"
    if isinstance(value, str):
        return json.dumps(value).replace("\x7f", "")
    return repr(value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "n.toml"
    path.write_text(CAMERA, encoding=encoding)
    assert load_network(path).cameras.id.tolist() == ["a"]


def test_names_are_compared_in_one_unicode_form() -> None:
    split, whole = "Zu\u0308rich", "Z\u00fcrich"
    text = CAMERA.replace('"a"', f'"{split}"') + CAMERA + f'[[link]]\nfrom = "{whole}"\nto = "a"\nmetres = 500\n'
    network = parse_network(text)
    assert network.cameras.id.tolist() == [whole, "a"]
    assert network.links[0].origin == whole


def test_a_file_may_say_only_ids_and_nothing_is_made_up_of_them() -> None:
    network = parse_network('[[camera]]\nid = "a"\n[[camera]]\nid = "b"\n')
    assert network.cameras.placed.tolist() == network.cameras.aimed.tolist() == [False, False]
    assert network.heading("a") is None
    assert network.links == ()


def test_a_file_may_say_only_links() -> None:
    network = parse_network('[[link]]\nfrom = "a"\nto = "b"\n[[link]]\nfrom = "b"\nto = "a"\nmin_s = 4\nmax_s = 36\n')
    assert network.cameras.id.tolist() == ["a", "b"]
    there, back = network.links
    assert (there.min_s, there.max_s, there.measured) == (0.0, 900.0, False)
    assert (back.metres, back.measured) == (12 * 16, False)
    assert abs(there.direction_deg - back.direction_deg) == 180


def test_a_heading_may_be_known_where_the_place_is_not_and_the_other_way_round() -> None:
    network = parse_network(
        '[[camera]]\nid = "a"\nheading = "E"\n[[camera]]\nid = "b"\nlat = 1\nlon = 2\n'
        '[[camera]]\nid = "c"\nheading = 180\naimed = false\n'
    )
    assert (network.heading("a"), network.heading("b"), network.heading("c")) == (90.0, None, None)
    assert network.cameras.placed.tolist() == [False, True, False]
    assert network.cameras.heading_deg.tolist() == [90, 0, 180]


def test_lengths_are_measured_only_where_they_or_both_places_are_said() -> None:
    text = '[[camera]]\nid = "a"\nlat = 0\nlon = 0\n[[camera]]\nid = "b"\n[[link]]\nfrom = "a"\nto = "b"\n'
    assert [parse_network(text + more).links[0].measured for more in ("", "metres = 40\n", "miles = 1\nmeasured = false\n")] == [
        False, True, False,
    ]  # fmt: skip
    (placed,) = parse_network(text.replace('id = "b"', 'id = "b"\nlat = 0.01\nlon = 0')).links
    assert placed.measured
    assert placed.metres == pytest.approx(1112, rel=1e-2)
