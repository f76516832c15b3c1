from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cctview.errors import FrameError
from cctview.sources import DecodeLimits, decode
from cctview.sources.times import exif_time


def scene(height: int = 96, width: int = 128) -> np.ndarray:
    """A still with a shaded sky, a road and texture."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:height, :width]
    base = np.stack([90 + y, 110 + x // 2, 140 - y // 2], axis=-1) + rng.integers(0, 40, (height, width, 1))
    return base.clip(0, 255).astype(np.uint8)


def encoded(kind: str = "JPEG", image: np.ndarray | None = None, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(scene() if image is None else image).save(buffer, kind, **options)
    return buffer.getvalue()


def png(width: int, height: int, rows: bytes = b"") -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def jpeg_declaring(width: int, height: int) -> bytes:
    data = encoded()
    place = data.index(b"\xff\xc0")
    return data[: place + 5] + struct.pack(">HH", height, width) + data[place + 9 :]


def test_a_jpeg_comes_back_as_rgb_with_its_bytes_usable() -> None:
    decoded = decode(encoded(quality=95), "x.jpg")
    assert decoded.jpeg
    assert decoded.image.dtype == np.uint8
    assert np.abs(decoded.image.astype(int) - scene()).mean() < 8


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_other_kinds_of_image(kind: str) -> None:
    decoded = decode(encoded(kind, **({"lossless": True} if kind == "WEBP" else {})), "x")
    assert not decoded.jpeg
    assert decoded.image.shape == (96, 128, 3)
    tolerance = 20 if kind == "GIF" else 0
    assert np.abs(decoded.image.astype(int) - scene()).mean() <= tolerance


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("L", "JPEG"), ("CMYK", "JPEG"), ("L", "PNG"), ("P", "PNG"), ("RGBA", "PNG"), ("LA", "PNG"), ("1", "PNG")],
)
def test_every_colour_mode_becomes_rgb(mode: str, kind: str) -> None:
    buffer = io.BytesIO()
    Image.fromarray(scene()).convert(mode).save(buffer, kind)
    image = decode(buffer.getvalue(), "x").image
    assert image.shape == (96, 128, 3)
    grey = np.asarray(Image.fromarray(scene()).convert("L")).astype(int)
    tolerance = 130 if mode == "1" else 25
    assert np.abs(np.asarray(Image.fromarray(image).convert("L")).astype(int) - grey).mean() < tolerance


def test_sixteen_bit_grey_is_scaled_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 96 * 128).reshape(96, 128).astype(np.uint16)
    image = decode(encoded("PNG", ramp), "x").image
    assert image[0, 0].tolist() == [0, 0, 0]
    assert image[-1, -1].tolist() == [255, 255, 255]
    assert 120 < image[48].mean() < 136


def test_float_tiff_is_scaled() -> None:
    image = decode(encoded("TIFF", scene()[..., 0].astype(np.float32) * 4), "x").image
    assert image.max() == 255


def test_exif_orientation_is_applied_and_the_bytes_are_not_kept() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = decode(encoded(exif=exif, quality=95), "x.jpg")
    assert turned.image.shape == (128, 96, 3)
    assert not turned.jpeg
    assert np.abs(turned.image.astype(int) - np.rot90(scene(), -1)).mean() < 8


def test_exif_without_a_turn_changes_nothing() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a street"
    assert decode(encoded(exif=exif), "x.jpg").jpeg


def test_broken_exif_turns_nothing() -> None:
    data = encoded()
    segment = b"\xff\xe1\x00\x20Exif\0\0" + b"\xff" * 24
    assert decode(data[:2] + segment + data[2:], "x.jpg").image.shape == (96, 128, 3)


@pytest.mark.parametrize("eighth", range(8))
@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["baseline", "progressive"])
def test_a_jpeg_cut_anywhere_is_refused(eighth: int, options: dict[str, bool]) -> None:
    data = encoded(**options)
    with pytest.raises(FrameError, match=r"empty|truncated|damaged|not an image"):
        decode(data[: len(data) * eighth // 8], "cut.jpg")


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"quality": 30}])
@pytest.mark.parametrize("less", [1, 2])
def test_a_jpeg_that_lacks_nothing_but_its_end_marker_is_whole(less: int, options: dict[str, object]) -> None:
    data = encoded(**options)
    decoded = decode(data[:-less], "x.jpg")
    assert np.array_equal(decoded.image, decode(data, "x.jpg").image)
    assert decoded.jpeg == data
    with pytest.raises(FrameError, match="truncated JPEG"):
        decode(data[:-3], "x.jpg")


@pytest.mark.parametrize(
    "before", [b"\r\n", b"\n\n\n", b"Content-Type: image/jpeg\r\nContent-Length: 5\r\n\r\n", b"--frame\r\nA: b\r\n\r\n"]
)
def test_a_jpeg_behind_line_breaks_or_the_header_of_a_part_is_read(before: bytes) -> None:
    data = encoded()
    decoded = decode(before + data + b"\r\n--frame", "part")
    assert np.array_equal(decoded.image, decode(data, "x.jpg").image)
    assert decoded.jpeg.startswith(data)


def test_a_jpeg_behind_other_bytes_is_none() -> None:
    for before in (b"\0\0", b"a" * 5000, "é".encode()):
        with pytest.raises(FrameError, match="not an image"):
            decode(before + encoded(), "x")


def test_what_libjpeg_finds_odd_is_told_and_not_printed(capfd: pytest.CaptureFixture[str]) -> None:
    data = encoded()
    decoded = decode(data[:-2] + b"\1" * 40 + data[-2:], "x.jpg")
    assert decoded.oddity == "Corrupt JPEG data: extraneous bytes before a marker"
    assert decode(data, "x.jpg").oddity == ""
    assert np.array_equal(decoded.image, decode(data, "x.jpg").image)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "head", [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n", b"\xc5\xd0\xd3\xc6" + b"\0" * 60]
)
def test_no_other_program_is_started_for_a_strangers_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    program = tmp_path / "gs"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(FrameError, match="not an image"):
        decode(head + b"showpage\n%%EOF\n", "cam.jpg")
    assert exif_time(head, None) is None
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("kind", ["PPM", "TGA", "PCX", "ICO", "SGI"])
def test_kinds_that_no_camera_sends_are_not_opened(kind: str) -> None:
    with pytest.raises(FrameError, match="not an image"):
        decode(encoded(kind), "x")


@pytest.mark.parametrize("eighth", range(8))
@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_other_kinds_cut_anywhere_are_refused(eighth: int, kind: str) -> None:
    data = encoded(kind)
    with pytest.raises(FrameError, match=r"empty|truncated|damaged|not an image"):
        decode(data[: len(data) * eighth // 8], "cut")


@pytest.mark.parametrize("eighth", range(2, 7))
def test_a_jpeg_that_ends_early_is_half_decoded(eighth: int) -> None:
    data = encoded(image=scene(240, 352))
    with pytest.raises(FrameError, match="half decoded"):
        decode(data[: len(data) * eighth // 8] + b"\xff\xd9", "half.jpg")


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_rows_repeated_downwards_are_half_decoded(kind: str) -> None:
    image = scene(240, 352)
    image[150:] = image[149]
    with pytest.raises(FrameError, match="half decoded"):
        decode(encoded(kind, image), "half")


def below(colour: object, top: int, left: int = 0) -> np.ndarray:
    """A still of 240 x 352 with one colour below a row, and from a column on in the row of blocks above it."""
    image = scene(240, 352)
    image[top:] = colour
    if left:
        image[top - 16 : top, left:] = colour
    return image


@pytest.mark.parametrize(
    "image",
    [
        below(128, 100),
        below(128, 160),
        below(128, 224, left=128),
        below(128, 208, left=16),
        below((0, 135, 0), 100),
        below((0, 135, 0), 220),
        below((0, 154, 0), 120),
    ],
    ids=[
        "grey half",
        "grey third",
        "grey with a step",
        "grey with an early step",
        "green half",
        "green",
        "green of TV",
    ],
)
def test_a_lower_part_that_never_came_is_found_behind_another_encoding(image: np.ndarray) -> None:
    with pytest.raises(FrameError, match="half decoded; the lower part"):
        decode(encoded(image=image, quality=90), "half")


def test_a_frame_that_never_came_at_all_is_no_still() -> None:
    with pytest.raises(FrameError, match="half decoded; the whole"):
        decode(encoded(image=np.full((240, 352, 3), (0, 135, 0), np.uint8)), "green")


def bar(top: int, words: slice, columns: slice) -> np.ndarray:
    image = below(128, top)
    rng = np.random.default_rng(1)
    letters = image[words, columns]
    letters[rng.random(letters.shape[:2]) < 0.4] = 0
    return image


@pytest.mark.parametrize(
    "image",
    [
        below(128, 216),
        below(128, 180),
        bar(216, slice(220, 230), slice(10, 60)),
        bar(216, slice(216, 224), slice(0, 60)),
        bar(200, slice(210, 232), slice(100, 250)),
        np.concatenate([np.full((30, 352, 3), 128, np.uint8), scene(240, 352), np.full((30, 352, 3), 128, np.uint8)]),
        np.concatenate([np.full((90, 352, 3), 128, np.uint8), scene(240, 352), np.full((120, 352, 3), 128, np.uint8)]),
        below((60, 135, 60), 100),
        below((0, 135, 0), 236),
    ],
    ids=["bar", "mask", "words", "words above", "words amid", "letterbox", "more below", "grass", "a line of green"],
)
@pytest.mark.parametrize("quality", [70, 95])
def test_bars_and_masks_are_part_of_a_still(image: np.ndarray, quality: int) -> None:
    assert decode(encoded(image=image, quality=quality), "bar").image.shape == image.shape


@pytest.mark.parametrize(
    "image",
    [
        np.full((96, 128, 3), 128, np.uint8),
        np.zeros((96, 128, 3), np.uint8),
        np.broadcast_to(np.arange(128, dtype=np.uint8)[None, :, None] * 2, (96, 128, 3)),
        np.broadcast_to(np.arange(96, dtype=np.uint8)[:, None, None] * 2, (96, 128, 3)),
    ],
    ids=["grey card", "black", "stripes all over", "shaded"],
)
def test_cards_and_plain_images_pass(image: np.ndarray) -> None:
    assert decode(encoded("PNG", np.ascontiguousarray(image)), "card").image.shape == (96, 128, 3)


def test_trailing_bytes_after_the_end_do_no_harm() -> None:
    assert decode(encoded() + b"\0" * 500, "padded.jpg").jpeg


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"THIS IS NOT AN IMAGE\n", "text"),
        (b"<!DOCTYPE html><html><body>503</body></html>", "web page"),
        (bytes(range(256)) * 20, "not an image"),
        (b"\0" * 4000, "not an image"),
        (b"\xff\xd8\xff", "damaged"),
        (b"\xff\xd8\xff\xe0" + b"\xff" * 3000, "damaged"),
        (b"\xff\xd8\xff\xe0\x00\x00" * 300, "damaged"),
        (encoded().replace(b"\xff\xc0", b"\xff\xc3", 1), "damaged JPEG; it cannot be decoded"),
        (png(100, 100, b"too little"), "damaged"),
    ],
)
def test_what_is_no_image_is_refused_with_its_reason(data: bytes, words: str) -> None:
    with pytest.raises(FrameError, match=f"bad.jpeg: .*{words}"):
        decode(data, "bad.jpeg")


@pytest.mark.parametrize(
    "data", [png(60_000, 60_000), png(2_000_000_000, 2_000_000_000), jpeg_declaring(65_000, 65_000)]
)
def test_a_huge_declared_size_is_refused_before_decoding(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simplejpeg.decode_jpeg", lambda *_, **__: pytest.fail("decoded"))
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda _: pytest.fail("decoded"))
    with pytest.raises(FrameError, match="refused"):
        decode(data, "bomb.png")


@pytest.mark.parametrize(("width", "height"), [(1, 1), (15, 400), (400, 15)])
def test_images_of_a_few_pixels_are_refused(width: int, height: int) -> None:
    with pytest.raises(FrameError, match=f"{width} x {height} pixels are too few"):
        decode(encoded("PNG", np.zeros((height, width, 3), np.uint8)), "dot.png")


def test_limits_are_settings() -> None:
    with pytest.raises(FrameError, match=r"more than 0\.001 million"):
        decode(encoded(), "x.jpg", DecodeLimits(max_pixels=1000))


def test_a_declared_size_of_nothing_is_refused() -> None:
    with pytest.raises(FrameError, match="0 x 100 pixels"):
        decode(jpeg_declaring(0, 100), "x.jpg")


@given(st.binary(max_size=400), st.integers(0, 4000))
def test_no_bytes_do_more_than_fail(noise: bytes, place: int) -> None:
    data = bytearray(encoded())
    data[place : place + len(noise)] = noise
    try:
        image = decode(bytes(data), "fuzz.jpg").image
    except FrameError:
        return
    assert image.dtype == np.uint8
    assert image.shape[2] == 3


@pytest.mark.real
def test_real_bad_stills(real_data) -> None:
    failing = real_data / "uk-stills" / "failing"
    verdicts = {}
    for path in failing.iterdir():
        try:
            verdicts[path.name] = decode(path.read_bytes(), path.name).image.shape
        except FrameError as error:
            verdicts[path.name] = str(error).partition(": ")[2]
    assert verdicts["zero_length_image.jpeg"] == "the file is empty"
    assert verdicts["this_isnt_an_image.jpeg"] == "not an image but text"
    assert "half decoded" in verdicts["TfL-images_20200504_0240_00001.08859.jpg"]
    assert verdicts["Forced_Greyscale_TfL-images_20200620_2030_00001.01251.jpg"] == (288, 352, 3)


@pytest.mark.real
def test_good_real_stills_pass(real_data) -> None:
    for folder in ("uk-stills/images", "singapore/images", "london/images", "fdr/frames/733-681-N/13.10"):
        for path in sorted((real_data / folder).iterdir())[::5]:
            assert decode(path.read_bytes(), path.name).image.shape[2] == 3


def test_png_without_its_end_is_truncated_even_when_all_pixels_are_there():
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(buffer, "PNG")
    data = buffer.getvalue()
    assert decode(data, "x").image.shape == (40, 50, 3)
    with pytest.raises(FrameError, match="truncated PNG"):
        decode(data[:-12], "x")
