from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from cctview.store.jpeg import encode, stripped


def picture(size=(64, 48)):
    image = Image.new("RGB", size, (90, 120, 150))
    ImageDraw.Draw(image).ellipse((5, 9, 40, 30), fill=(220, 40, 30))
    return image


def saved(image=None, **options):
    file = io.BytesIO()
    (image or picture()).save(file, "JPEG", **options)
    return file.getvalue()


def pixels(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"progressive": True},
        {"subsampling": 0, "optimize": True},
        {"restart_marker_blocks": 2},
        {"comment": b"taken by Jane at 40.7,-73.9"},
        {"xmp": b"<x:xmpmeta>Jane</x:xmpmeta>"},
        {"icc_profile": b"Jane's profile" * 40},
    ],
)
def test_the_picture_stays_and_the_words_go(options):
    data = saved(**options)
    bare = stripped(data + b"Jane's second picture")
    assert np.array_equal(pixels(bare), pixels(data))
    assert b"Jane" not in bare
    assert bare[-2:] == b"\xff\xd9"
    assert stripped(bare) == bare


def test_grey_and_cmyk_stay_too():
    for mode in ("L", "CMYK"):
        data = saved(picture().convert(mode), comment=b"Jane")
        assert np.array_equal(pixels(stripped(data)), pixels(data))


def test_a_thumbnail_goes():
    data = saved()
    thumbnail = b"\xff\xe0\x00\x1bJFIF\x00\x01\x01\x00\x00\x01\x00\x01\x02\x01" + bytes(11)
    assert data[2:4] == b"\xff\xe0"
    bare = stripped(data[:2] + thumbnail + data[20:])
    assert bytes(11) not in bare[:40]
    assert np.array_equal(pixels(bare), pixels(data))


def test_exif_means_another_way():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert stripped(saved(exif=exif)) is None


@pytest.mark.parametrize("data", [b"", b"\xff", b"\x89PNG", saved()[:-2], saved()[:200], b"\xff\xd8\xff\xff\xff\xd9"])
def test_what_is_no_complete_jpeg_is_left_to_the_encoder(data):
    assert stripped(data) is None


@given(st.binary(max_size=60))
def test_no_bytes_break_it(tail):
    bare = stripped(b"\xff\xd8" + tail)
    assert bare is None or bare.endswith(b"\xff\xd9")


def test_encoding_keeps_colours_in_their_place():
    image = np.zeros((32, 32, 3), np.uint8)
    image[..., 0] = 200
    assert np.abs(pixels(encode(image))[..., ::-1].astype(int) - image).max() < 6
