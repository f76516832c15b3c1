from xml.etree import ElementTree as ET

import numpy as np
import pytest

from cctview.evaluate.diagram import reliability_diagram
from cctview.metrics.calibration import Answers

SVG = "{http://www.w3.org/2000/svg}"


def answers(probability, right):
    return Answers(probability=np.array(probability, float), right=np.array(right, bool))


def marks(picture, name, kind):
    return [mark for mark in picture.iter(f"{SVG}{name}") if mark.get("class") == kind]


def words(picture):
    return [text.text or "" for text in picture.iter(f"{SVG}text")]


@pytest.fixture
def some():
    return answers([0.05, 0.95, 0.95, 0.95], [False, True, True, False])


def test_each_bin_is_a_dot_at_what_was_stated_and_what_was_so(some):
    picture = ET.fromstring(reliability_diagram("Answers", {"all": some}))
    low, high = marks(picture, "circle", "dot")
    side = float(low.get("cy"))  # none right: at the foot of the square
    assert float(low.get("cx")) == pytest.approx(0.05 * side, abs=0.01)
    assert float(high.get("cx")) == pytest.approx(0.95 * side, abs=0.01)
    assert float(high.get("cy")) == pytest.approx(side / 3, abs=0.01)
    assert (float(high.get("r")) / float(low.get("r"))) ** 2 == pytest.approx(3, rel=0.01)  # areas are as the counts
    assert high.find(f"{SVG}title").text.startswith("3 answers: 95 % stated, 67 % right (95 %: ")
    for dot, line in zip((low, high), marks(picture, "line", "interval"), strict=True):
        assert float(line.get("y2")) <= float(dot.get("cy")) <= float(line.get("y1"))


def test_the_bars_below_tell_right_from_wrong(some):
    picture = ET.fromstring(reliability_diagram("Answers", {"all": some}))
    right, wrong = (
        [float(bar.get("height")) for bar in marks(picture, "rect", kind) if float(bar.get("height")) != 10]
        for kind in ("right", "wrong")
    )
    assert right == pytest.approx([64 * 2 / 3], abs=0.01)
    assert wrong == pytest.approx([64 / 3, 64 / 3], abs=0.01)


def test_the_words_say_how_far_off_the_answers_are_and_what_chance_makes():
    off, honest = answers([0.5] * 40, [True] * 40), answers([0.5] * 40, [True, False] * 20)
    shown = words(ET.fromstring(reliability_diagram("Answers", {"off": off, "honest": honest})))
    assert "40 answers: 50 % stated, 100 % right, 50.0 points too shy" in shown
    assert "calibration error 0.500 (95 %: 0.500 to 0.500)" in shown
    assert sum(line.startswith("more than chance makes") for line in shown) == 1
    assert sum(line.startswith("no more than chance makes") for line in shown) == 1


def test_the_file_stands_alone_and_knows_the_dark(some):
    text = reliability_diagram("Answers", {"all": some})
    assert "prefers-color-scheme: dark" in text
    assert "<script" not in text
    assert text.count("http") == 1  # the name space alone


def test_parts_stand_in_rows_below_the_whole_and_names_cannot_break_out(some):
    names = [f"camera {n} -> <b>&amp; a very long name of a camera" for n in range(6)]
    text = reliability_diagram("Answers", {"all": some}, {"by pair": dict.fromkeys(names, some)})
    picture = ET.fromstring(text)
    assert len(marks(picture, "text", "name")) == 7
    assert [line.text for line in marks(picture, "text", "row")] == ["by pair"]
    places = {group.get("transform") for group in picture.findall(f"{SVG}g")}
    assert len(places) == 7
    height = float(picture.get("height"))
    assert all(float(place.split()[-1].rstrip(")")) < height for place in places)
    assert "<b>" not in text


def test_no_answers_draw_no_dots():
    picture = ET.fromstring(reliability_diagram("Answers", {"all": answers([], [])}))
    assert not marks(picture, "circle", "dot")
    assert "0 answers: 0 % stated, 0 % right, 0.0 points too shy" in words(picture)
    ET.fromstring(reliability_diagram("Answers", {}))
