"""Refine the embedder on a store: `python -m training.embedder.refine --store STORE --network FILE ...`.

The boxes are those of the product's own detector, the tracklets those of its tracker, and which of them
are one vehicle says its matcher, from looks, size, order and travel time together. Each round trains on
what the round before believes; no label takes part.
"""

from __future__ import annotations

import argparse
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from scipy.sparse import coo_matrix, csr_matrix
from training.embedder.crops import Image, Spoil
from training.embedder.data import CAMERAS, Boxes, Ints, read_images, read_two_cameras, stills
from training.embedder.export import sample, write_small
from training.embedder.goals import Goals
from training.embedder.mine import Link, summarise
from training.embedder.net import Embedder
from training.embedder.rounds import MIN_SIDE, centred
from training.embedder.train import Material, Recipe, embed, train

from cctview.matching import match
from cctview.network import CameraNetwork, load_network
from cctview.store import open_store
from cctview.tracking import track
from cctview.types import Detections, Embeddings, Frames, Matches, Tracklets, rows_of

MIN_LARGEST = 14.0
LEAST = 0.02
DAY_S = 86_400
GENTLE = Spoil(shrink=0.4, haze=0.25, blur=0.1, jpeg=0.12, noise=0.08, truncate=0.1, light=0.12)


@dataclass(frozen=True, kw_only=True)
class Sight:
    """Hold what the product has found: detections and their embeddings row by row, and rows of stills."""

    detections: Detections
    embeddings: Embeddings
    frame: Ints


def main() -> None:
    """Read the arguments, train and write the weights."""
    parser = argparse.ArgumentParser(prog="training.embedder.refine", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with fdr/ and reid-two-cameras/")
    parser.add_argument("--store", type=Path, required=True, help="what `cctview run` stored of fdr/frames")
    parser.add_argument("--start", type=Path, required=True, help="checkpoint to go on from")
    parser.add_argument("--out", type=Path, required=True, help="folder for a checkpoint and weights per round")
    parser.add_argument("--cache", type=Path, default=Path("stills.npy"), help="file for the decoded stills")
    parser.add_argument("--steps", type=int, nargs="+", default=[500, 600, 900], help="steps of each round")
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--distil", type=float, default=0.3)
    run(parser.parse_args())


def run(args: argparse.Namespace) -> None:
    """Train for the rounds asked for; keep what each one gave."""
    torch.set_num_threads(1)
    paths = stills(args.data / "fdr" / "frames")
    stack = read_images(paths, args.cache)
    network = load_network(args.data / "fdr" / "network.toml").among(np.array(CAMERAS))
    others = read_two_cameras(args.data / "reid-two-cameras")
    kept = torch.load(args.start, weights_only=False)
    net = Embedder(kept["shape"])
    net.load_state_dict(kept["state"])
    sight = read_sight(args.store, paths)
    args.out.mkdir(parents=True, exist_ok=True)
    for number, steps in enumerate(args.steps):
        sight = seen_by(sight, net, stack)
        boxes, goals = goals_of(sight, network)
        material = Material(stack=stack, boxes=boxes, goals=goals, others=others)
        floor = 0.02 if number == len(args.steps) - 1 else 0.5
        recipe = Recipe(steps=steps, rate=args.rate, floor=floor, distil=args.distil, spoil=GENTLE, seed=number)
        net = deepcopy(train(net, material, recipe, say))
        torch.save({"state": net.state_dict(), "shape": net.shape}, args.out / f"round{number}.pt")
        write_small(net, args.out / f"round{number}.onnx", sample(stack, boxes, net.shape.size))


def say(line: str) -> None:
    """Print at once."""
    print(line, flush=True)


def read_sight(store: Path, paths: list[Path]) -> Sight:
    """Read the embedded detections of a store in order of still; the paths name the rows of the stack."""
    held = open_store(store)
    detections, embeddings, frames = held.scan(Detections), held.scan(Embeddings), held.scan(Frames)
    number = {path.name.removesuffix("--original.jpeg"): row for row, path in enumerate(paths)}
    place = np.array([number.get(name, -1) for name in frames.name.tolist()])
    detections = detections[np.isin(detections.id, embeddings.detection)]
    frame = place[rows_of(frames.id, detections.frame)]
    order = np.lexsort((detections.rank, frame))
    order = order[frame[order] >= 0]
    detections = detections[order]
    embeddings = embeddings[rows_of(embeddings.detection, detections.id)]
    return Sight(detections=detections, embeddings=embeddings, frame=frame[order])


def seen_by(sight: Sight, net: Embedder, stack: Image) -> Sight:
    """Return the same boxes with the vectors of `net`."""
    vectors = embed(net, stack, boxes_of(sight))
    return replace(sight, embeddings=sight.embeddings.replace(vector=vectors))


def boxes_of(sight: Sight) -> Boxes:
    """Return the boxes as training takes them; what judges likenesses is what the product says now."""
    found = sight.detections
    return Boxes(
        id=found.id.astype(str),
        camera=np.array([CAMERAS.index(name) for name in found.camera.tolist()]),
        frame=sight.frame,
        step=sight.frame,
        time=found.time.astype("datetime64[s]").astype(np.int64) % DAY_S,
        xyxy=found.box,
        score=found.score,
        teacher=sight.embeddings.vector,
    )


def goals_of(sight: Sight, network: CameraNetwork) -> tuple[Boxes, Goals]:
    """Return the boxes worth training on and what the product believes of them."""
    tracklets = track(sight.detections, sight.embeddings)
    chances = chances_of(match(tracklets, network), tracklets)
    label = labels_of(tracklets, sight.detections)
    boxes = boxes_of(sight)
    rows = np.flatnonzero((label >= 0) & (boxes.size >= MIN_SIDE))
    largest = np.zeros(len(tracklets))
    np.maximum.at(largest, label[rows], boxes.size[rows])
    rows = rows[largest[label[rows]] >= MIN_LARGEST]
    boxes, chain = boxes[rows], label[rows]
    kept, first, new = np.unique(chain, return_index=True, return_inverse=True)
    # Goals wants tracklets numbered camera by camera, in the order of CAMERAS.
    order = np.argsort(boxes.camera[first], kind="stable")
    kept, rank = kept[order], np.argsort(order)
    matches = [(link, chance[kept][:, kept]) for link, chance in chances]
    for link, chance in matches:
        say(f"{link.source}->{link.target}: {chance.sum():.0f} expected, {(chance.data > 0.5).sum()} likely")
    tracks = summarise(boxes, rank[new])
    return boxes, Goals(boxes, rank[new], tracks, matches, centred(boxes.teacher, boxes))


def labels_of(tracklets: Tracklets, detections: Detections) -> Ints:
    """Return the row of each detection's tracklet, -1 for those in none."""
    label = np.full(len(detections), -1)
    label[rows_of(detections.id, tracklets.members.values)] = tracklets.members.row
    return label


def chances_of(matches: Matches, tracklets: Tracklets) -> list[tuple[Link, csr_matrix]]:
    """Return for each link the chance (T, T) of tracklets to be one vehicle."""
    query = rows_of(tracklets.id, matches.query)[matches.candidates.row]
    found = rows_of(tracklets.id, matches.candidates.values)
    source, target = tracklets.camera[query], tracklets.camera[found]
    count, chance = len(tracklets), matches.probability.values
    links = []
    for pair in sorted(set(zip(source.tolist(), target.tolist(), strict=True))):
        own = (source == pair[0]) & (target == pair[1]) & (chance >= LEAST)
        shares = coo_matrix((chance[own], (query[own], found[own])), shape=(count, count)).tocsr()
        begin, end = (CAMERAS.index(name) for name in pair)
        links.append((Link(source=begin, target=end, low=0, usual=0, high=0), shares))
    return links


if __name__ == "__main__":
    main()
