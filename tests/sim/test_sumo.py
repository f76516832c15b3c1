"""Vehicles of a SUMO record drive past the cameras as they were recorded."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from cctview.errors import FormatError, SettingsError, SourceNotFoundError
from cctview.network import CameraNetwork
from cctview.sim import SimSettings, simulate
from cctview.sim.world.fleet import KINDS
from cctview.sim.world.sumo import read_fcd

SPEED = 15.0
LANES = {"inner": 1.6, "middle": 4.8, "outer": 8.0}  # metres right of SUMO's centre line
HEADING = np.deg2rad(30.0)


def vehicle(name: str, along: float, right: float, kind: str = "DEFAULT_VEHTYPE", turn: float = 0.0) -> str:
    x = 1000 + along * np.sin(HEADING) + right * np.cos(HEADING)
    y = -500 + along * np.cos(HEADING) - right * np.sin(HEADING)
    angle = np.rad2deg(HEADING) + turn
    return f'<vehicle id="{name}" x="{x:.2f}" y="{y:.2f}" angle="{angle:.2f}" type="{kind}" speed="{SPEED}" slope="0"/>'


def record(path: Path, seconds: int = 60) -> Path:
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<fcd-export>"]
    for t in range(seconds):
        lines += [
            f'<timestep time="{100 + t}.00">',
            vehicle("first", SPEED * t, LANES["inner"]),
            vehicle("bus.1", 40 + SPEED * t, LANES["outer"], "city_bus"),
            vehicle("back", 870 - SPEED * t, -LANES["middle"], "truck_long", 180),
            vehicle("back.in", 850 - SPEED * t, -LANES["inner"], "taxi", 180),
            vehicle("cyclist", 200 + 4 * t, LANES["outer"], "DEFAULT_BIKETYPE"),
            vehicle("across", 300, -60.0 + SPEED * t, turn=90),
            '<person id="p" x="0" y="0" angle="0" speed="1"/>',
            "</timestep>",
        ]
    path.write_text("\n".join([*lines, "</fcd-export>"]))
    return path


@pytest.fixture
def fcd(tmp_path: Path) -> Path:
    return record(tmp_path / "fcd.xml")


def test_rows_are_read_in_order(fcd: Path) -> None:
    found = read_fcd(fcd)
    assert found.kinds.tolist() == [
        "DEFAULT_VEHTYPE", "city_bus", "truck_long", "taxi", "DEFAULT_BIKETYPE", "DEFAULT_VEHTYPE",
    ]  # fmt: skip
    assert found.time.tolist() == np.repeat(np.arange(100.0, 160.0), 6).tolist()
    assert found.x[0] == pytest.approx(1000 + LANES["inner"] * np.cos(HEADING), abs=0.01)


def test_vehicles_drive_on_their_ways_and_lanes(fcd: Path) -> None:
    world = simulate(SimSettings(cameras=2, minutes=0.5, trajectories=str(fcd)))
    assert world.plan.layout.roads[0].length == pytest.approx(59 * SPEED, abs=2)
    moments = list(islice(world.traffic(), 100))
    kinds = {KINDS[kind] for kind in moments[40].kind}
    assert len(moments[40]) == 4
    assert {"bus", "truck", "taxi"} < kinds
    for kind, way, lane in (("bus", 0, 2), ("truck", 1, 1), ("taxi", 1, 0)):
        mine = moments[40].rows(moments[40].kind == KINDS.tolist().index(kind))
        assert (mine.way.tolist(), mine.lane.tolist()) == ([way], [lane])
        assert mine.speed == pytest.approx([SPEED], abs=0.1)
    first = np.array([part.travelled[part.identity == 1][0] for part in moments[4:100]])
    assert np.diff(first) == pytest.approx(SPEED / 2, abs=0.05)
    assert first[0] == pytest.approx(2 * SPEED, abs=1.5)


def test_the_record_ends(fcd: Path) -> None:
    world = simulate(SimSettings(cameras=1, trajectories=str(fcd)))
    assert [1 in part.identity for part in islice(world.traffic(), 116, 122)] == [True, True, *[False] * 4]


def test_nobody_is_there_in_a_gap_of_the_record(fcd: Path) -> None:
    text = fcd.read_text()
    begin, end = (text.index(f'<timestep time="{at}.00">') for at in (110, 120))
    fcd.write_text(text[:begin] + text[end:])
    world = simulate(SimSettings(cameras=1, trajectories=str(fcd)))
    assert [len(part) > 0 for part in islice(world.traffic(), 16, 42)] == [True] * 2 + [False] * 22 + [True] * 2


def test_cameras_see_them(fcd: Path) -> None:
    world = simulate(SimSettings(cameras=2, minutes=1, trajectories=str(fcd), seed=2))
    seen = world.sightings()
    assert set(np.unique(seen.camera)) == {"sim-1", "sim-2"}
    assert {"bus", "truck", "car"} == set(seen.type.tolist())
    of_bus = seen.at[(seen.type == "bus") & (seen.camera == "sim-2")]
    assert 0 <= of_bus.min() - (world.plan.layout.sites[1].station - 40) / SPEED < 5


def test_stills_are_drawn(fcd: Path) -> None:
    world = simulate(SimSettings(cameras=1, minutes=0.3, trajectories=str(fcd)))
    assert any(len(still.boxes) for still in world.frames())


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("<fcd-export><timestep time='0'/></fcd-export>", "no vehicle"),
        ("<fcd-export><timestep time='x'/></fcd-export>", "line 1: 'time' must be a number, got 'x'"),
        ("<a><timestep time='0'>\n<vehicle id='v' x='1'/></timestep></a>", "line 2: 'y' must be a number"),
        ("<a><timestep time='1'/><timestep time='1'/></a>", "does not come after"),
        ("<a><vehicle id='v'/></a>", "inside a timestep"),
        ("<a><timestep time='0'>", "not an XML file"),
        ('<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>', "declares a document type"),
    ],
)
def test_what_is_no_record_is_refused(tmp_path: Path, text: str, wrong: str) -> None:
    (tmp_path / "fcd.xml").write_text(text)
    with pytest.raises(FormatError, match=wrong):
        read_fcd(tmp_path / "fcd.xml")


def test_worlds_that_cannot_be(fcd: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"88\d m long, and 4 cameras every 500 m need 1750 m"):
        _ = simulate(SimSettings(trajectories=str(fcd))).plan.layout
    with pytest.raises(SettingsError, match="either them or the camera network"):
        _ = simulate(SimSettings(trajectories=str(fcd)), CameraNetwork()).plan.layout
    with pytest.raises(SettingsError, match="nobody drives 100 m"):
        _ = simulate(SimSettings(trajectories=str(record(tmp_path / "short.xml", seconds=3)))).plan.layout
    with pytest.raises(SourceNotFoundError, match="no such file"):
        _ = simulate(SimSettings(trajectories=str(tmp_path / "none.xml"))).plan.layout


def test_a_packed_record_is_read_and_persons_are_counted(fcd: Path) -> None:
    plain = read_fcd(fcd)
    packed = fcd.with_suffix(".xml.gz")
    packed.write_bytes(gzip.compress(fcd.read_bytes()))
    again = read_fcd(packed)
    assert np.array_equal(plain.x, again.x)
    assert again.noticed == {"persons left out": 60}
    packed.write_bytes(packed.read_bytes()[:-200])
    with pytest.raises(FormatError, match="not an XML file"):
        read_fcd(packed)


def test_a_vehicle_that_is_nowhere_is_left_out_while_it_is(fcd: Path) -> None:
    whole = read_fcd(fcd)
    lines = fcd.read_text().splitlines()
    begin, end = (lines.index(f'<timestep time="{at}.00">') for at in (120, 125))
    lines[begin:end] = [
        re.sub(r'x="[-0-9.]+" y="[-0-9.]+"', 'x="-1073741824.00" y="-1073741824.00"', line)
        if '"first"' in line
        else line
        for line in lines[begin:end]
    ]
    fcd.write_text("\n".join(lines))
    found = read_fcd(fcd)
    assert found.noticed["rows of a vehicle that is nowhere (teleporting)"] == 5
    assert len(found.time) == len(whole.time) - 5
    assert found.x.min() == whole.x.min()
    assert len(found.kinds) == len(whole.kinds), "driving on where it would be is no jump"
    world = simulate(SimSettings(cameras=2, minutes=0.5, trajectories=str(fcd)))
    assert world.plan.layout.roads[0].length == pytest.approx(59 * SPEED, abs=2)


def test_a_vehicle_that_jumps_is_another_one_from_there_on(tmp_path: Path) -> None:
    steps = []
    for t in range(40):
        far = 5000 if t >= 20 else 0
        steps.append(
            f'<timestep time="{t}">' + vehicle("v", SPEED * t + far, 2) + vehicle("w", SPEED * t, 5) + "</timestep>"
        )
    path = tmp_path / "fcd.xml"
    path.write_text("<fcd-export>" + "".join(steps) + "</fcd-export>")
    found = read_fcd(path)
    assert found.noticed == {"jumps of a vehicle, each the begin of another": 1}
    assert np.bincount(found.vehicle).tolist() == [20, 20, 40]
    assert len(found.kinds) == 3
    world = simulate(SimSettings(cameras=1, minutes=0.5, trajectories=str(path)))
    assert world.plan.layout.roads[0].length == pytest.approx(39 * SPEED, abs=2)


@pytest.mark.parametrize("lat", [0.0, 52.5, -33.9])
def test_places_in_degrees_become_metres(fcd: Path, tmp_path: Path, lat: float) -> None:
    whole = read_fcd(fcd)
    metres = 111_195.0

    def in_degrees(found: re.Match[str]) -> str:
        x, y = float(found[1]), float(found[2])
        return f'x="{13.4 + x / metres / np.cos(np.deg2rad(lat)):.8f}" y="{lat + y / metres:.8f}"'

    path = tmp_path / "geo.xml"
    path.write_text(re.sub(r'x="([-0-9.]+)" y="([-0-9.]+)"', in_degrees, fcd.read_text()))
    found = read_fcd(path)
    assert found.noticed["rows told in degrees, read as metres"] == len(found.time)
    assert np.ptp(found.x) == pytest.approx(np.ptp(whole.x), rel=1e-3)
    assert np.ptp(found.y) == pytest.approx(np.ptp(whole.y), rel=1e-3)


def test_a_small_road_in_metres_stays_in_metres(tmp_path: Path) -> None:
    steps = "".join(
        f'<timestep time="{t}"><vehicle id="v" x="0" y="{t}" angle="0" type="car" speed="1"/></timestep>'
        for t in range(80)
    )
    (tmp_path / "f.xml").write_text(f"<fcd-export>{steps}</fcd-export>")
    found = read_fcd(tmp_path / "f.xml")
    assert found.noticed == {}
    assert found.y.max() == 79


def test_what_sumo_itself_writes_drives_past_the_cameras(tmp_path: Path) -> None:
    if not (shutil.which("sumo") and shutil.which("netgenerate")):
        pytest.skip("SUMO is not installed (Debian: apt-get install sumo)")

    def run(*words: str) -> None:
        subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)

    run("netgenerate", "--grid", "--grid.x-number=2", "--grid.y-number=1", "--grid.length=900", "-L2", "-o", "net.xml")
    edge = re.search(r'<edge id="([^":]+)" from=', (tmp_path / "net.xml").read_text())
    assert edge
    (tmp_path / "routes.xml").write_text(
        '<routes><vType id="lorry" vClass="trailer"/>'
        f'<flow id="a" begin="0" end="60" period="6"><route edges="{edge[1]}"/></flow>'
        f'<vehicle id="b" type="lorry" depart="3"><route edges="{edge[1]}"/></vehicle></routes>'
    )
    for name, extra in {"plain.xml": [], "packed.xml.gz": []}.items():
        run("sumo", "-n", "net.xml", "-r", "routes.xml", "--end", "90", "--no-step-log", "--fcd-output", name, *extra)
        found = read_fcd(tmp_path / name)
        assert len(found.kinds) == 11
        world = simulate(SimSettings(cameras=1, minutes=1, trajectories=str(tmp_path / name)))
        assert world.plan.layout.roads[0].length > 500
        seen = world.sightings()
        assert {"car", "truck"} == set(seen.type.tolist())
