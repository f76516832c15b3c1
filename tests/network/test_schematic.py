from __future__ import annotations

import numpy as np
import pytest

from cctview.network import CameraNetwork, parse_network, schematic_places


def ways(*links: tuple[str, str, float]) -> CameraNetwork:
    return parse_network("".join(f'[[link]]\nfrom = "{a}"\nto = "{b}"\nmetres = {m}\n' for a, b, m in links))


def test_cameras_of_one_road_lie_on_a_line_as_far_apart_as_they_are() -> None:
    network = ways(("a", "b", 300), ("b", "a", 340), ("b", "c", 900), ("c", "b", 900))
    x, y = schematic_places(network).T
    assert x.tolist() == pytest.approx([0, 300, 1200], abs=1e-6)
    assert y.tolist() == pytest.approx([0, 0, 0], abs=1e-4)


def test_a_ring_is_round() -> None:
    ring = ways(*((f"r{n}", f"r{(n + 1) % 8}", 500.0) for n in range(8)))
    places = schematic_places(ring)
    from_middle = np.linalg.norm(places - places.mean(axis=0), axis=1)
    assert from_middle == pytest.approx(from_middle.mean(), rel=1e-6)
    assert from_middle.mean() > 500


def test_roads_that_no_link_joins_lie_one_above_the_other() -> None:
    places = schematic_places(ways(("a", "b", 500), ("c", "d", 200)))
    assert places.tolist() == [pytest.approx(point, abs=1e-4) for point in ([0, 0], [500, 0], [0, -1000], [200, -1000])]


def test_cameras_without_links_are_drawn_too() -> None:
    alone = parse_network('[[camera]]\nid = "a"\n[[camera]]\nid = "b"\n')
    assert schematic_places(alone).tolist() == [[0, 0], [0, -1000]]
    assert schematic_places(CameraNetwork()).shape == (0, 2)
