from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cctview.errors import SettingsError
from cctview.privacy import Policy

line = st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda text: text.isprintable() and text.strip())
days = st.one_of(st.none(), st.floats(0.01, 36_500))


@st.composite
def policies(draw):
    spans = sorted(draw(st.tuples(days, days, days)), key=lambda span: float("inf") if span is None else span)
    return Policy(
        purpose=draw(line),
        consent=draw(line),
        keep_frames=draw(st.booleans()),
        redact_people=draw(st.booleans()),
        frames_days=draw(days),
        journeys_days=spans[0],
        embeddings_days=spans[1],
        detections_days=spans[2],
        expiry_from=draw(st.sampled_from(["capture", "import"])),
        pseudonyms=draw(st.booleans()),
        minimum_group=draw(st.integers(1, 1000)),
    )


@given(policies())
def test_a_policy_survives_its_text(policy):
    assert Policy.from_toml(policy.to_toml()) == policy


@given(st.integers(0, 10_000))
def test_a_text_cut_short_is_never_a_policy(cut):
    text = Policy.default("traffic study").to_toml()
    short = text[: cut % (len(text) - 1)]
    with pytest.raises(SettingsError, match=r"policy\.toml"):
        Policy.from_toml(short, "policy.toml")


def test_the_default_is_short_and_redacts():
    policy = Policy.default("count cars")
    assert policy.redact_people
    assert policy.days("frames") == 3
    assert all(policy.days(kind) <= 30 for kind in ("frames", "detections", "embeddings", "journeys"))


def test_an_unknown_setting_offers_the_nearest():
    text = Policy.default("x").to_toml() + "keep_frame = true\n"
    with pytest.raises(SettingsError, match=r"unknown setting 'keep_frame'; did you mean 'keep_frames'"):
        Policy.from_toml(text)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"purpose": "  "}, "needs a purpose"),
        ({"purpose": "two\nlines"}, "one line"),
        ({"redact_people": False}, "stills with people"),
        ({"frames_days": 0.0}, "frames_days must lie between"),
        ({"frames_days": float("nan")}, "frames_days must lie between"),
        ({"frames_days": True}, "frames_days must lie between"),
        ({"embeddings_days": None}, "embeddings_days .* is longer than detections_days"),
        ({"journeys_days": 8.0}, "journeys_days .* is longer than embeddings_days"),
        ({"minimum_group": 0}, "minimum_group"),
        ({"expiry_from": "birth"}, "'capture' or 'import'"),
    ],
)
def test_impossible_settings_say_why(changes, message):
    with pytest.raises(SettingsError, match=message):
        replace(Policy.default("x"), **changes)


def test_people_may_stay_visible_only_with_consent_or_without_pixels():
    assert not replace(Policy.default("x"), redact_people=False, keep_frames=False).redact_people
    assert not replace(Policy.default("x"), redact_people=False, consent="all staff, 2026-01-05").redact_people


@pytest.mark.parametrize("line", ['minimum_group = "5"', "pseudonyms = 1", "purpose = 3", 'frames_days = "long"'])
def test_a_value_of_the_wrong_kind_is_named(line):
    name = line.split(" ")[0]
    kept = [row for row in Policy.default("x").to_toml().splitlines() if not row.startswith(name)]
    with pytest.raises(SettingsError, match=name):
        Policy.from_toml("\n".join([*kept, line, ""]))
