"""Alternate between finding matches and learning from them (expectation-maximisation).

A round first asks which tracklets of linked cameras match, by what is known so far, and
then trains the network on the answer. What is known is the joint opinion of the network
and of a head on the original's features: each errs where the other does not.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix
from training.embedder.crops import Image
from training.embedder.data import Boxes, Floats, Ints, Paths, read_boxes, read_images, read_two_cameras, stills, whiten
from training.embedder.goals import Goals
from training.embedder.mine import LINKS, Link, Tracks, expand, odds, pieces, posterior, summarise
from training.embedder.net import Embedder
from training.embedder.score import mean_vectors
from training.embedder.teacher import Head, HeadRecipe, features_of, train_head, vectors_of
from training.embedder.tracklets import chain, components, edges_of
from training.embedder.train import Material, Recipe, embed, train

Matches = list[tuple[Link, csr_matrix]]
Report = Callable[[str], None]

MIN_SCORE, MIN_SIDE, MIN_LARGEST = 0.4, 11.0, 18.0
SAME_SHARE = 0.7
FAR_CAMERA = 2


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Hold all that is learnt from: stills, boxes in tracklets, and vehicles elsewhere."""

    stack: Image
    boxes: Boxes
    label: Ints
    tracks: Tracks
    alike: csr_matrix
    others: list[list[Image]]


def read_scene(paths: Paths, report: Report) -> Scene:
    """Read the data and join boxes into tracklets."""
    stack = read_images(stills(paths.stills / "frames"), paths.cache)
    boxes = read_boxes(paths.stills, MIN_SCORE)
    boxes = boxes[boxes.size >= MIN_SIDE]
    pairs, share = edges_of(boxes, whiten(boxes))
    label = components(len(boxes), chain(pairs, share, SAME_SHARE))
    large = summarise(boxes, label).size[label] >= MIN_LARGEST
    number = np.where(large, np.cumsum(large) - 1, -1)
    label = np.unique(label[large], return_inverse=True)[1]
    kept = (number[pairs] >= 0).all(axis=1)
    report(f"{large.sum()} boxes in {label.max() + 1} tracklets")
    return Scene(
        stack=stack,
        boxes=boxes[large],
        label=label,
        tracks=summarise(boxes[large], label),
        alike=pieces(label, number[pairs[kept]], share[kept]),
        others=read_two_cameras(paths.two_cameras),
    )


def centred(vectors: Floats, boxes: Boxes) -> Floats:
    """Take each camera's mean out of the vectors and scale them to unit length."""
    x = vectors.copy()
    for camera in np.unique(boxes.camera):
        x[boxes.camera == camera] -= x[boxes.camera == camera].mean(axis=0)
    return unit(x)


def unit(vectors: Floats) -> Floats:
    """Scale the vectors to unit length."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def find_matches(scene: Scene, opinions: list[Floats], before: Matches | None, report: Report) -> Matches:
    """Return the chance of each pair of tracklets on every link to be one vehicle."""
    looks = [mean_vectors(x, scene.label, scene.boxes.size) for x in opinions]
    found: Matches = []
    for number, link in enumerate(LINKS):
        earlier = None if before is None else before[number][1]
        # Two views of a vehicle, once joined, say more about a third camera than one does.
        views = [expand(x, found[0][1]) for x in looks] if link.target == FAR_CAMERA else looks
        pairs, weights = odds(scene.tracks, views, link, before=earlier, steps=800)
        chance = posterior(pairs, weights, scene.alike)
        report(f"link {link.source}->{link.target}: {chance.sum():.0f} expected, {(chance.data > 0.5).sum()} likely")
        found.append((link, chance))
    return found


class Rounds:
    """Hold the state of the alternation: network, head, their opinions and the matches."""

    def __init__(self, scene: Scene, net: Embedder, report: Report) -> None:
        self.scene, self.net, self.report = scene, net, report
        self.features = features_of(scene.boxes)
        self.head = Head(self.features.shape[1])
        self.opinions = [whiten(scene.boxes)]
        self.matches: Matches | None = None

    def teach_head(self, recipe: HeadRecipe) -> None:
        """Find matches by all opinions so far and train the head on them."""
        goals = self._goals()
        self.head = train_head(self.head, self.features, goals, recipe)
        self.opinions[0] = vectors_of(self.head, self.features)

    def teach_net(self, recipe: Recipe) -> Embedder:
        """Find matches by all opinions so far and train the network on them."""
        scene = self.scene
        material = Material(stack=scene.stack, boxes=scene.boxes, goals=self._goals(), others=scene.others)
        self.net = deepcopy(train(self.net, material, recipe, self.report))
        own = centred(embed(self.net, scene.stack, scene.boxes), scene.boxes)
        self.opinions = [self.opinions[0], own]
        return self.net

    def _goals(self) -> Goals:
        scene = self.scene
        joint = unit(np.concatenate(self.opinions, axis=1))
        looks = [joint, self.opinions[-1]]
        self.matches = find_matches(scene, looks, self.matches, self.report)
        return Goals(scene.boxes, scene.label, scene.tracks, self.matches, joint)
