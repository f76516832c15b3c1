import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cctview.errors import InputError
from cctview.metrics.detection import (
    COCO_SIZES,
    DetectionCounts,
    ScoredBoxes,
    TrueBoxes,
    average_precision,
    combine_counts,
    count_detections,
    operating_point,
    recall_at_precision,
)

SQUARE = (0, 0, 10, 10)
FAR = (100, 100, 110, 110)


def scored(*rows):
    """Rows of (image, box, score)."""
    image, box, score = zip(*rows, strict=True) if rows else ((), (), ())
    return ScoredBoxes(
        image=np.array(image, int), box=np.array(box, float).reshape(-1, 4), score=np.array(score, float)
    )


def true(*rows):
    """Rows of (image, box) or (image, box, "ignored" | "crowd")."""
    marks = [row[2] if len(row) > 2 else "" for row in rows]
    return TrueBoxes(
        image=np.array([row[0] for row in rows], int),
        box=np.array([row[1] for row in rows], float).reshape(-1, 4),
        ignored=np.array([bool(mark) for mark in marks], bool),
        crowd=np.array([mark == "crowd" for mark in marks], bool),
    )


def ap50(detections, truths, **options):
    return average_precision(count_detections(detections, truths, thresholds=(0.5,), **options))[0]


def test_every_truth_found_and_nothing_else_is_one():
    assert ap50(scored((0, SQUARE, 0.9), (1, FAR, 0.2)), true((0, SQUARE), (1, FAR))) == 1.0


def test_a_false_alarm_above_one_of_two_hits_worked_by_hand():
    """Ranks: hit, false, hit. Precision 1 to recall 1/2 (51 of 101 places), 2/3 from there."""
    detections = scored((0, SQUARE, 0.9), (0, (50, 50, 60, 60), 0.8), (0, FAR, 0.7))
    expected = (51 * 1 + 50 * 2 / 3) / 101
    assert ap50(detections, true((0, SQUARE), (0, FAR))) == pytest.approx(expected)


def test_a_missed_truth_caps_the_recall():
    assert ap50(scored((0, SQUARE, 0.9)), true((0, SQUARE), (0, FAR))) == pytest.approx(51 / 101)


def test_the_second_box_on_one_truth_is_a_false_alarm():
    counts = count_detections(scored((0, SQUARE, 0.9), (0, (0, 0, 10, 9), 0.8)), true((0, SQUARE)), thresholds=(0.5,))
    assert counts.hit.tolist() == [[True, False]]
    assert not counts.dropped.any()


def test_boxes_of_another_image_find_nothing():
    assert ap50(scored((1, SQUARE, 0.9)), true((0, SQUARE))) == 0.0


def test_each_overlap_level_decides_for_itself():
    """A box of 10x8 in one of 10x10 overlaps by 0.8."""
    counts = count_detections(scored((0, (0, 0, 10, 8), 0.9)), true((0, SQUARE)), thresholds=(0.5, 0.75, 0.8, 0.85))
    assert counts.hit[:, 0].tolist() == [True, True, True, False]


def test_an_ignored_truth_counts_neither_way():
    counts = count_detections(scored((0, SQUARE, 0.9), (0, FAR, 0.5)), true((0, SQUARE, "ignored"), (0, FAR)),
                              thresholds=(0.5,))  # fmt: skip
    assert counts.truths == 1
    assert average_precision(counts)[0] == 1.0


def test_a_real_truth_is_preferred_to_an_ignored_one_that_fits_better():
    truths = true((0, SQUARE, "ignored"), (0, (0, 0, 10, 7)))
    counts = count_detections(scored((0, SQUARE, 0.9)), truths, thresholds=(0.5,))
    assert counts.hit.all()


def test_an_ignored_truth_absorbs_one_detection_and_a_crowd_any_number():
    twins = scored((0, SQUARE, 0.9), (0, SQUARE, 0.8))
    one = count_detections(twins, true((0, SQUARE, "ignored"), (0, FAR)), thresholds=(0.5,))
    many = count_detections(twins, true((0, SQUARE, "crowd"), (0, FAR)), thresholds=(0.5,))
    assert one.dropped.tolist() == [[True, False]]
    assert many.dropped.tolist() == [[True, True]]


def test_a_crowd_absorbs_by_the_share_of_the_detection_it_covers():
    region = (0, (0, 0, 100, 100), "crowd")
    inside, half_out = (0, (40, 40, 50, 50), 0.9), (0, (94, 40, 106, 50), 0.8)
    counts = count_detections(scored(inside, half_out), true(region, (0, (200, 200, 210, 210))), thresholds=(0.5, 0.6))
    assert counts.dropped.tolist() == [[True, True], [True, False]]


def test_a_size_bucket_ignores_truths_and_unmatched_detections_of_other_sizes():
    small, large = (0, 0, 10, 10), (50, 50, 150, 150)
    detections = scored((0, small, 0.9), (0, large, 0.8), (0, (300, 300, 400, 400), 0.95))
    counts = count_detections(detections, true((0, small), (0, large)), thresholds=(0.5,), area=COCO_SIZES["small"])
    assert counts.truths == 1
    assert average_precision(counts)[0] == 1.0


def test_only_the_best_detections_of_an_image_are_kept():
    counts = count_detections(scored((0, SQUARE, 0.1), (0, FAR, 0.9)), true((0, SQUARE)), thresholds=(0.5,), most=1)
    assert counts.score.tolist() == [0.9]


def test_recall_at_precision_stops_where_precision_falls():
    """Ranks: hit, hit, false, hit of four: precision 1, 1, 2/3, 3/4 at recall 1/4, 1/2, 1/2, 3/4."""
    places = [(0, (20 * i, 0, 20 * i + 10, 10)) for i in range(4)]
    order = [places[0], places[1], (0, FAR), places[2]]
    detections = scored(*[(*row, 0.9 - 0.1 * i) for i, row in enumerate(order)])
    counts = count_detections(detections, true(*places), thresholds=(0.5,))
    assert recall_at_precision(counts, 0.97)[0] == 0.5
    assert recall_at_precision(counts, 0.75)[0] == 0.75
    precision, recall = operating_point(counts, 0.65)
    assert (precision[0], recall[0]) == (pytest.approx(2 / 3), 0.5)


def test_without_truths_there_is_no_ratio():
    counts = count_detections(scored((0, SQUARE, 0.9)), true(), thresholds=(0.5,))
    assert np.isnan(average_precision(counts)[0])
    assert np.isnan(recall_at_precision(counts, 0.9)[0])


def test_without_detections_precision_is_unknown_and_recall_is_none():
    counts = count_detections(scored(), true((0, SQUARE)), thresholds=(0.5,))
    assert average_precision(counts)[0] == 0.0
    precision, recall = operating_point(counts, 0.5)
    assert np.isnan(precision[0])
    assert recall[0] == 0.0


def test_columns_of_different_length_are_refused():
    with pytest.raises(InputError, match="align the columns"):
        ScoredBoxes(image=np.zeros(2, int), box=np.zeros((2, 4)), score=np.zeros(1))
    with pytest.raises(InputError, match="truths"):
        TrueBoxes(image=np.zeros(1, int), box=np.zeros(4), ignored=np.zeros(1, bool), crowd=np.zeros(1, bool))


def test_nothing_to_combine_is_refused():
    with pytest.raises(InputError, match="at least one image"):
        combine_counts([])


@st.composite
def scenes(draw, *, tied=False):
    """A few images of jittered truths, some ignored, and detections near them or anywhere.

    ``tied`` ones have few different scores, and boxes on a grid, so that overlaps are equal too.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    images, truths, found = draw(st.integers(1, 4)), draw(st.integers(1, 15)), draw(st.integers(0, 25))
    corner = rng.uniform(0, 80, (truths, 2))
    box = np.concatenate([corner, corner + rng.uniform(4, 60, (truths, 2))], 1)
    near = box[rng.integers(0, truths, found)] + rng.normal(0, 3, (found, 4))
    near[:, 2:] = np.maximum(near[:, 2:], near[:, :2] + 1)
    crowd = rng.random(truths) < 0.15
    score = rng.permutation(found) / 30 + 0.01
    if tied:
        box, near, score = np.round(box / 10) * 10, np.round(near / 10) * 10, score.round(1)
        box[:, 2:], near[:, 2:] = np.maximum(box[:, 2:], box[:, :2] + 10), np.maximum(near[:, 2:], near[:, :2] + 10)
    return (
        ScoredBoxes(image=rng.integers(0, images, found), box=near, score=score),
        TrueBoxes(image=rng.integers(0, images, truths), box=box, ignored=crowd, crowd=crowd),
    )


@given(scenes(), st.randoms(use_true_random=False))
def test_order_of_rows_and_numbers_of_images_change_nothing(scene, random):
    detections, truths = scene
    d, t = list(range(len(detections.score))), list(range(len(truths.ignored)))
    random.shuffle(d), random.shuffle(t)
    shuffled = ScoredBoxes(image=7 * detections.image[d] + 3, box=detections.box[d], score=detections.score[d])
    same = TrueBoxes(image=7 * truths.image[t] + 3, box=truths.box[t], ignored=truths.ignored[t], crowd=truths.crowd[t])
    expected, actual = (average_precision(count_detections(*x)) for x in ((detections, truths), (shuffled, same)))
    np.testing.assert_allclose(actual, expected, atol=1e-12)


@given(scenes())
def test_counts_add_up_over_images(scene):
    detections, truths = scene
    whole = count_detections(detections, truths)
    parts = []
    for image in np.unique(np.concatenate([detections.image, truths.image])):
        d, t = detections.image == image, truths.image == image
        parts.append(
            count_detections(
                ScoredBoxes(image=detections.image[d], box=detections.box[d], score=detections.score[d]),
                TrueBoxes(image=truths.image[t], box=truths.box[t], ignored=truths.ignored[t], crowd=truths.crowd[t]),
            )
        )
    total = sum(parts[1:], parts[0])
    assert isinstance(total, DetectionCounts)
    assert total.truths == whole.truths
    np.testing.assert_allclose(average_precision(total), average_precision(whole), atol=1e-12)


@given(scenes())
def test_a_false_alarm_below_all_others_never_helps(scene):
    detections, truths = scene
    worse = ScoredBoxes(
        image=np.append(detections.image, 0),
        box=np.concatenate([detections.box, [[500, 500, 510, 510]]]),
        score=np.append(detections.score, 0.001),
    )
    before, after = (average_precision(count_detections(d, truths)) for d in (detections, worse))
    np.testing.assert_allclose(after, before, atol=1e-12)


def coco_reference(detections, truths, size):
    """AP at 0.5 and over 0.5:0.95, as the reference implementation of COCO's evaluation has them."""
    coco = pytest.importorskip("faster_coco_eval")
    images = sorted({*detections.image.tolist(), *truths.image.tolist()})

    def xywh(box):
        return [float(box[0]), float(box[1]), float(box[2] - box[0]), float(box[3] - box[1])]

    annotations = [
        {"id": i + 1, "image_id": int(image), "category_id": 1, "bbox": xywh(box), "iscrowd": int(crowd),
         "area": float((box[2] - box[0]) * (box[3] - box[1])), "ignore": int(ignored)}
        for i, (image, box, crowd, ignored) in enumerate(
            zip(truths.image, truths.box, truths.crowd, truths.ignored, strict=True))
    ]  # fmt: skip
    truth = coco.COCO({"images": [{"id": int(i)} for i in images], "annotations": annotations,
                       "categories": [{"id": 1, "name": "vehicle"}]})  # fmt: skip
    rows = [
        {"image_id": int(image), "category_id": 1, "bbox": xywh(box), "score": float(score)}
        for image, box, score in zip(detections.image, detections.box, detections.score, strict=True)
    ]
    run = coco.COCOeval_faster(truth, truth.loadRes(rows), "bbox")
    run.evaluate()
    run.accumulate()
    precision = run.eval["precision"][:, :, 0, ("all", "small", "medium", "large").index(size), -1]
    return precision.mean(1)


def agrees_with_the_reference(detections, truths, size):
    """Without truths the reference says -1 and we say NaN; it takes no empty list of detections."""
    counts = count_detections(detections, truths, area=COCO_SIZES[size])
    if len(detections.score):
        expected = coco_reference(detections, truths, size)
        np.testing.assert_allclose(average_precision(counts), np.where(expected < 0, np.nan, expected), atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(scenes(), st.sampled_from(["all", "small", "medium"]))
def test_the_reference_implementation_agrees(scene, size):
    agrees_with_the_reference(*scene, size)


@settings(max_examples=25, deadline=None)
@given(scenes(tied=True), st.sampled_from(["all", "small", "medium"]))
def test_the_reference_implementation_agrees_on_equal_scores_and_overlaps(scene, size):
    agrees_with_the_reference(*scene, size)


def test_the_reference_implementation_agrees_where_an_image_has_more_detections_than_count():
    rng = np.random.default_rng(4)
    corner = rng.uniform(0, 300, (130, 2))
    found = scored(*[(0, (*c, *(c + 20)), s) for c, s in zip(corner, rng.random(130), strict=True)])
    truths = true(*[(0, (*(c + 2), *(c + 22))) for c in corner[::3]])
    agrees_with_the_reference(found, truths, "all")


def test_the_reference_implementation_agrees_where_there_is_nothing_to_find():
    agrees_with_the_reference(scored((0, SQUARE, 0.9)), true((1, FAR, "crowd")), "all")
