# SPDX-License-Identifier: MIT OR Apache-2.0
"""Captions of scenes in many wordings, each with what it claims. Needs numpy alone."""

from scenes import (
    ABSENT,
    BACKGROUNDS,
    COLOURS,
    MOTIONS,
    OPEN,
    PLACES,
    RELATIONS,
    SHAPES,
    SIZES,
    Facts,
    facts,
)

COLOUR_NAMES = list(COLOURS)
SIZE_WORDS = {"small": ["small", "little"], "medium": ["medium"], "large": ["large", "big"]}
PLACE_WORDS = {
    "left": ["on the left", "on the left side"],
    "right": ["on the right", "on the right side"],
    "top": ["at the top"],
    "bottom": ["at the bottom"],
    "centre": ["in the centre", "in the middle"],
}
MOTION_WORDS = {
    "static": ["standing still", "that does not move"],
    "left": ["moving left", "that moves to the left"],
    "right": ["moving right", "that moves to the right"],
    "up": ["moving up", "that rises"],
    "down": ["moving down", "that falls"],
    "rotates": ["rotating", "that turns", "spinning"],
    "grows": ["growing", "that grows"],
    "bounces": ["bouncing", "that bounces"],
}
RELATION_WORDS = {
    "left of": ["left of", "to the left of"],
    "right of": ["right of", "to the right of"],
    "above": ["above", "over"],
    "below": ["below", "under"],
}
# {} is the colour, with a space after it, or nothing.
BACKGROUND_WORDS = {
    None: ["a {}background"],
    "plain": ["a plain {}background"],
    "gradient": ["a {}gradient", "a {}gradient background"],
    "stripes": ["{}stripes", "a striped {}background"],
    "checks": ["{}checks", "a checkered {}background"],
    "noise": ["{}noise", "a noisy {}background"],
}
BEGINNINGS = [
    "a picture of {}",
    "a photo of {}",
    "an image of {}",
    "a video of {}",
    "a clip of {}",
    "there is {}",
]


def caption(scene, rng, whole=False):
    """A text about the scene and the Facts it claims.

    A `whole` one tells all there are words for.
    """

    def told(probability):
        return whole or rng.random() < probability

    def word(words):
        return words[rng.integers(len(words))]

    truth = facts(scene)
    if truth.second_shape == ABSENT:
        text, claims = one(truth, told, word)
    elif told(0.85):
        text, claims = two(truth, told, word)
    else:
        first = rng.random() < 0.5
        colour, shape = truth[:2] if first else (truth.second_colour, truth.second_shape)
        text = thing(colour, shape)
        claims = {"colour": colour, "shape": shape}
    if told(0.35) and "place" not in claims:
        moving = MOTIONS[scene.motion]
        if moving != "static" or rng.random() < 0.3:
            text += " " + word(MOTION_WORDS[moving])
    if told(0.6):
        text += background(truth, told, word, claims)
    if rng.random() < 0.25:
        text = word(BEGINNINGS).format(text)
    elif rng.random() < 0.15:
        text = " ".join(part for part in text.split() if part not in ("a", "an", "the"))
    return text, Facts(**claims)


def one(truth, told, word):
    """The words for one shape, and their claims."""
    claims = {"colour": truth.colour, "shape": truth.shape}
    # One of the two may be left out.
    if not told(0.85):
        claims.pop(word(["colour", "shape"]))
    size = None
    # A medium size is seldom worth a word.
    if truth.size != OPEN and told(0.5) and (SIZES[truth.size] != "medium" or not told(0.7)):
        claims["size"] = truth.size
        size = word(SIZE_WORDS[SIZES[truth.size]])
    text = thing(claims.get("colour", OPEN), claims.get("shape", OPEN), size)
    if truth.place != OPEN and told(0.4):
        claims["place"] = truth.place
        text += " " + word(PLACE_WORDS[PLACES[truth.place]])
    return text, claims


def two(truth, told, word):
    """The words for two shapes, and their claims."""
    pair = [truth[:2], (truth.second_colour, truth.second_shape)]
    relation = truth.relation
    if word([False, True]):
        pair.reverse()
        relation ^= 1
    (colour, shape), (second_colour, second_shape) = pair
    claims = {
        "colour": colour,
        "shape": shape,
        "second_colour": second_colour,
        "second_shape": second_shape,
    }
    link = "and"
    if told(0.75):
        claims["relation"] = relation
        link = word(RELATION_WORDS[RELATIONS[relation]])
    return f"{thing(colour, shape)} {link} {thing(second_colour, second_shape)}", claims


def thing(colour, shape, size=None):
    """ "a large red circle", as far as it is known."""
    words = [size] if size else []
    if colour != OPEN:
        words.append(COLOUR_NAMES[colour])
    words.append(SHAPES[shape] if shape != OPEN else "shape")
    article = "an" if words[0][0] in "aeiou" else "a"
    return " ".join([article, *words])


def background(truth, told, word, claims):
    """The words for the background; adds their claims."""
    colour, kind = "", None
    if told(0.85):
        claims["background_colour"] = truth.background_colour
        colour = COLOUR_NAMES[truth.background_colour] + " "
    if not colour or told(0.5):
        claims["background"] = truth.background
        kind = BACKGROUNDS[truth.background]
    text = " on " + word(BACKGROUND_WORDS[kind]).format(colour)
    return text.replace(" a orange", " an orange")


def variant(scene, rng):
    """The scene with one thing changed that its caption may tell: a near miss of its caption."""
    shapes = list(scene.shapes)
    change = rng.integers(4)
    number = int(rng.integers(len(shapes)))
    changed = shapes[number]
    if len(shapes) == 2 and change == 0:
        return scene._replace(relation=scene.relation ^ 1)
    if len(shapes) == 2 and change == 1:
        first, second = shapes
        swapped = (first._replace(colour=second.colour), second._replace(colour=first.colour))
        return scene._replace(shapes=swapped)
    if change == 0 and changed.size != OPEN:
        changed = changed._replace(size=int(rng.integers(len(SIZES))))
    elif change == 1:
        ground = int(rng.integers(len(COLOURS)))
        return scene._replace(
            background_colour=ground, background=int(rng.integers(len(BACKGROUNDS)))
        )
    elif change == 2:
        changed = changed._replace(shape=int(rng.integers(len(SHAPES))))
    else:
        changed = changed._replace(colour=int(rng.integers(len(COLOUR_NAMES) - 1)))
    shapes[number] = changed
    return scene._replace(shapes=tuple(shapes))
