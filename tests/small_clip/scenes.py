# SPDX-License-Identifier: MIT OR Apache-2.0
"""Scenes of one or two coloured shapes that move before a background, their pictures and captions.

Everything follows from a seed. Needs numpy alone.

Coordinates are the central square of the picture, -1 to 1, x to the right and y down: a picture's
shorter side is 2 long, and its centre is the origin, so that a crop of the centre holds all shapes.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

# The colours' centres in RGB; a scene's colours lie within JITTER of them.
COLOURS = {
    "red": (220, 30, 30),
    "orange": (245, 140, 20),
    "yellow": (245, 228, 40),
    "green": (30, 165, 50),
    "cyan": (40, 212, 222),
    "blue": (35, 60, 215),
    "purple": (125, 40, 170),
    "pink": (250, 130, 190),
    "white": (243, 243, 243),
    "black": (14, 14, 14),
    "gray": (128, 128, 128),
}
JITTER = 14
# Gray is for backgrounds alone: between white and black no shape's gray would be certain.
SHAPE_COLOURS = [name for name in COLOURS if name != "gray"]
# Nearer colours (in RGB) than this do not meet in one scene.
CONTRAST = 130.0

SHAPES = ["circle", "square", "triangle", "star", "ring", "cross", "bar", "crescent"]
SIZES = ["small", "medium", "large"]
RADII = [(0.26, 0.31), (0.38, 0.44), (0.52, 0.60)]
PLACES = ["left", "right", "top", "bottom", "centre"]
PLACE_CENTRES = [(-0.5, 0.0), (0.5, 0.0), (0.0, -0.5), (0.0, 0.5), (0.0, 0.0)]
BACKGROUNDS = ["plain", "gradient", "stripes", "checks", "noise"]
MOTIONS = ["static", "left", "right", "up", "down", "rotates", "grows", "bounces"]
# Each relation's opposite is its neighbour: number ^ 1.
RELATIONS = ["left of", "right of", "above", "below"]

# A field of Facts that a caption leaves open, or that a scene has no certain answer to.
OPEN = -1
# The fields of a second shape where there is one shape.
ABSENT = -2


class Shape(NamedTuple):
    """One shape: numbers of its names, and its geometry at the middle of its motion."""

    colour: int
    shape: int
    size: int
    place: int
    rgb: tuple
    radius: float
    x: float
    y: float
    angle: float


class Scene(NamedTuple):
    """What a seed stands for. `relation` says where the first of two shapes is to the second."""

    seed: int
    shapes: tuple
    relation: int
    background: int
    background_colour: int
    background_tones: tuple
    background_scale: float
    background_angle: float
    motion: int


@lru_cache
def contrast(first, second):
    """The distance of two colours' centres in RGB."""
    pair = [np.array(list(COLOURS.values())[number], float) for number in (first, second)]
    return float(np.linalg.norm(pair[0] - pair[1]))


def near(rng, name):
    """A colour near the named one."""
    return tuple(np.clip(np.array(COLOURS[name]) + rng.uniform(-JITTER, JITTER, 3), 0, 255))


def scene(seed):
    """The scene of a seed: one shape in 60 of 100, else two."""
    rng = np.random.default_rng(seed)
    names = list(COLOURS)
    background_colour = int(rng.integers(len(COLOURS)))
    fitting = [
        number
        for number, name in enumerate(names)
        if name in SHAPE_COLOURS and contrast(number, background_colour) > CONTRAST
    ]
    base = np.array(near(rng, names[background_colour]))
    # Black has no darker tone.
    other = base + 32 if names[background_colour] == "black" else base * rng.uniform(0.74, 0.84)
    background = (
        int(rng.integers(len(BACKGROUNDS))),
        background_colour,
        (tuple(base), tuple(other)),
        rng.uniform(0.2, 0.5),
        rng.uniform(0, np.pi),
    )
    if rng.random() < 0.6:
        shapes, motion = one_shape(rng, fitting)
        return Scene(seed, shapes, ABSENT, *background, motion)
    shapes, relation, motion = two_shapes(rng, fitting)
    return Scene(seed, shapes, relation, *background, motion)


def one_shape(rng, colours):
    motion = int(rng.integers(len(MOTIONS))) if rng.random() < 0.6 else 0
    name = MOTIONS[motion]
    kinds = [
        number
        for number, shape in enumerate(SHAPES)
        if name != "rotates" or shape not in ("circle", "ring")
    ]
    shape = int(rng.choice(kinds))
    colour = int(rng.choice(colours))
    size = int(rng.integers(len(SIZES)))
    radius = rng.uniform(*RADII[size])
    x, y = rng.uniform(-0.15, 0.15, 2)
    place = OPEN
    if name == "static":
        place = int(rng.integers(len(PLACES)))
        x, y = np.array(PLACE_CENTRES[place]) + rng.uniform(-0.1, 0.1, 2)
    if name == "grows":
        size = OPEN
    rgb = near(rng, list(COLOURS)[colour])
    angle = tilt(rng, shape)
    return (Shape(colour, shape, size, place, rgb, radius, x, y, angle),), motion


def two_shapes(rng, colours):
    relation = int(rng.integers(len(RELATIONS)))
    beside = relation < 2
    # Moving together keeps the relation.
    motion = int(rng.choice([0, 4, 3] if beside else [0, 1, 2]))
    apart = rng.uniform(0.42, 0.55, 2) * (1 if relation in (0, 2) else -1)
    across = rng.uniform(-0.12, 0.12, 2)
    shapes = []
    while len(shapes) < 2:
        colour, shape = int(rng.choice(colours)), int(rng.integers(len(SHAPES)))
        if shapes and (colour, shape) == shapes[0][:2]:
            continue
        first = not shapes
        along, aside = (-apart[0], across[0]) if first else (apart[1], across[1])
        x, y = (along, aside) if beside else (aside, along)
        rgb = near(rng, list(COLOURS)[colour])
        radius = rng.uniform(0.30, 0.40)
        shapes.append(Shape(colour, shape, OPEN, OPEN, rgb, radius, x, y, tilt(rng, shape)))
    return tuple(shapes), relation, motion


def tilt(rng, shape):
    """A bar lies as it likes, other shapes stand almost upright."""
    return rng.uniform(0, np.pi) if SHAPES[shape] == "bar" else rng.uniform(-0.25, 0.25)


class Facts(NamedTuple):
    """What a caption claims, or what is true of a scene: numbers of names, OPEN or ABSENT."""

    colour: int = OPEN
    shape: int = OPEN
    size: int = OPEN
    place: int = OPEN
    second_colour: int = OPEN
    second_shape: int = OPEN
    relation: int = OPEN
    background: int = OPEN
    background_colour: int = OPEN


def facts(scene):
    """All that is true of a scene."""
    second = scene.shapes[1][:2] if len(scene.shapes) > 1 else (ABSENT, ABSENT)
    return Facts(
        *scene.shapes[0][:4],
        *second,
        scene.relation,
        scene.background,
        scene.background_colour,
    )


def agreement(scenes, captions):
    """Whether each of `scenes` [n, fields] can be what each of `captions` [m, fields] claims.

    Bool [n, m]. An open field agrees with all. A caption's shapes may be the scene's in either
    order; a caption of one shape also agrees with a scene of two that has this shape.
    """
    scenes = np.asarray(scenes)[:, None, :]
    captions = np.asarray(captions)[None, :, :]

    def same(field, of=None):
        true, claimed = scenes[..., field if of is None else of], captions[..., field]
        return (true == claimed) | (true == OPEN) | (claimed == OPEN)

    names = list(Facts._fields)
    colour, shape, size, place, colour_2, shape_2, relation, kind, ground = range(len(names))
    straight = same(colour) & same(shape) & same(colour_2) & same(shape_2) & same(relation)
    crossed = same(colour, colour_2) & same(shape, shape_2)
    crossed &= same(colour_2, colour) & same(shape_2, shape)
    claimed = captions[..., relation]
    crossed &= (claimed == OPEN) | (scenes[..., relation] == claimed ^ 1)
    return (straight | crossed) & same(size) & same(place) & same(kind) & same(ground)


def pose(scene, shape, t):
    """A shape's x, y, radius and angle at t, 0 (the motion's start) to 1 (its end)."""
    x, y, radius, angle = shape.x, shape.y, shape.radius, shape.angle
    motion = MOTIONS[scene.motion]
    # Two shapes that move together, or a large one, have less room.
    reach = 0.45 if len(scene.shapes) > 1 or radius > 0.4 else 0.6
    way = reach * (2 * t - 1)
    if motion in ("left", "right"):
        x += way if motion == "right" else -way
    elif motion in ("up", "down"):
        y += way if motion == "down" else -way
    elif motion == "rotates":
        angle += np.pi * t
    elif motion == "grows":
        radius *= 0.6 + 0.7 * t
    elif motion == "bounces":
        y += reach * (0.7 - 1.4 * abs(np.sin(2 * np.pi * t)))
    return x, y, radius, angle


def distance(name, x, y):
    """How far points lie outside (negative: inside) a shape of radius 1 at the origin."""
    if name == "circle":
        return np.hypot(x, y) - 0.9
    if name == "ring":
        return np.abs(np.hypot(x, y) - 0.78) - 0.22
    if name == "square":
        return np.maximum(np.abs(x), np.abs(y)) - 0.8
    if name == "bar":
        return np.maximum(np.abs(x) - 1.15, np.abs(y) - 0.25)
    if name == "cross":
        x, y = np.abs(x), np.abs(y)
        return np.minimum(np.maximum(x - 1, y - 0.27), np.maximum(x - 0.27, y - 1))
    if name == "triangle":
        return np.maximum(0.866 * np.abs(x) - 0.5 * (y - 0.15), y - 0.15) - 0.56
    if name == "star":
        # Half of one of five points, tip at angle 0; its edge runs to radius 0.42 at 36 degrees.
        far, turn = np.hypot(x, y) / 1.1, 2 * np.pi / 5
        angle = np.abs((np.arctan2(x, -y) + turn / 2) % turn - turn / 2)
        edge = np.array([0.42 * np.cos(turn / 2) - 1, 0.42 * np.sin(turn / 2)])
        normal = np.array([edge[1], -edge[0]]) / np.hypot(*edge)
        return (far * np.cos(angle) - 1) * normal[0] + far * np.sin(angle) * normal[1]
    # A crescent: a disc less another.
    return np.maximum(np.hypot(x + 0.1, y) - 0.95, 0.8 - np.hypot(x - 0.42, y))


def render(scene, t, size, with_map=False):
    """The picture at t, 0 to 1: RGB, uint8 [height, width, 3], of `size` (width, height).

    With `with_map`, also which shape covers each pixel: 0 none, 1 the first, 2 the second, uint8
    [height, width].
    """
    width, height = size
    unit = 2.0 / min(width, height)
    xs = ((np.arange(width, dtype=np.float32) + 0.5) - width / 2) * np.float32(unit)
    ys = ((np.arange(height, dtype=np.float32) + 0.5) - height / 2) * np.float32(unit)
    picture = backdrop(scene, xs, ys, unit)
    owners = np.zeros((height, width), np.uint8)
    for number, shape in enumerate(scene.shapes):
        x, y, radius, angle = pose(scene, shape, t)
        columns = within(xs, x, radius * 1.25 + unit)
        rows = within(ys, y, radius * 1.25 + unit)
        if columns.start == columns.stop or rows.start == rows.stop:
            continue
        right, down = xs[columns][None, :] - x, ys[rows][:, None] - y
        cos, sin = np.cos(angle) / radius, np.sin(angle) / radius
        far = distance(SHAPES[shape.shape], cos * right + sin * down, cos * down - sin * right)
        cover = np.clip(0.5 - far * (radius / unit), 0, 1)
        part = picture[rows, columns]
        part += cover[..., None] * (np.array(shape.rgb, np.float32) - part)
        owners[rows, columns][cover > 0.5] = number + 1
    picture = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return (picture, owners) if with_map else picture


def within(positions, centre, reach):
    """The slice of ascending positions no farther than `reach` from the centre."""
    return slice(*np.searchsorted(positions, [centre - reach, centre + reach]))


def backdrop(scene, xs, ys, unit):
    """The background: float32 [height, width, 3]."""
    first, second = (np.array(tone, np.float32) for tone in scene.background_tones)
    name, scale = BACKGROUNDS[scene.background], scene.background_scale
    cos, sin = np.cos(scene.background_angle), np.sin(scene.background_angle)
    shape = (len(ys), len(xs), 1)
    if name == "plain":
        return np.broadcast_to(first, (*shape[:2], 3)).copy()
    if name == "gradient":
        mix = np.clip(
            0.5 + 0.4 * (np.float32(cos) * xs[None, :] + np.float32(sin) * ys[:, None]), 0, 1
        )
    elif name == "stripes":
        along = (np.float32(cos) * xs[None, :] + np.float32(sin) * ys[:, None]) / np.float32(scale)
        mix = edges(along, unit / scale)
    elif name == "checks":
        across, down = edges(xs / np.float32(scale), unit / scale), edges(
            ys / np.float32(scale), unit / scale
        )
        mix = across[None, :] * (1 - down[:, None]) + (1 - across[None, :]) * down[:, None]
    else:
        # A lattice of random values, 16 to the unit square's side, between which lies a blend.
        rng = np.random.default_rng(scene.seed)
        lattice = rng.random((64, 64), np.float32)
        columns, rows = blend(xs), blend(ys)
        mix = rows @ lattice @ columns.T
    return first + np.asarray(mix, np.float32).reshape(shape) * (second - first)


def edges(along, pixel):
    """Stripes of width 1, 0 and 1 in turn, whose edges are as wide as a pixel."""
    near = np.abs((along + 0.5) % 2 - 1) - 0.5
    return np.clip(0.5 + near / np.float32(pixel), 0, 1)


def blend(positions):
    """How much each of 64 lattice values, 8 to the unit of length, weighs at each position."""
    at = np.clip(positions * 8 + 32, 0, 62.999)
    low = at.astype(int)
    weights = np.zeros((len(at), 64), np.float32)
    rows = np.arange(len(at))
    weights[rows, low] = 1 - (at - low)
    weights[rows, low + 1] = at - low
    return weights
