# SPDX-License-Identifier: MIT OR Apache-2.0
"""How well a stored small CLIP knows scenes it was not trained on.

Pictures of 128x96 go through its own image processor, texts through its own tokenizer.
"""

import numpy as np
import torch

from captions import BACKGROUND_WORDS, COLOUR_NAMES, thing
from clips import FIRST_SEED, distinct, frames, picture, planes
from model import embed_pictures, embed_texts, load
from scenes import (
    ABSENT,
    BACKGROUNDS,
    OPEN,
    RELATIONS,
    SHAPE_COLOURS,
    SHAPES,
    SIZES,
    facts,
    render,
    scene,
)

SIZE = (128, 96)
SCENES = 2000
# Below the clips' seeds and training's.
FIRST_EVALUATION_SEED = 100_000
SETS = 10
SET = 64


def evaluate(folder):
    """Prints accuracies in percent."""
    torch.set_num_threads(1)
    parts = load(folder)
    shown = [scene(FIRST_EVALUATION_SEED + n) for n in range(SCENES)]
    moments = np.random.default_rng(FIRST_EVALUATION_SEED).random(SCENES)
    model, tokenizer, processor = parts
    seen = embed_pictures(
        model, processor, [render(one, t, SIZE) for one, t in zip(shown, moments)]
    )
    texts = lambda lines: embed_texts(model, tokenizer, lines)
    truths = np.array([facts(one) for one in shown])
    report = [*one_shape(truths, seen, texts), *two_shapes(truths, seen, texts)]
    report += [*retrieval(*parts), *video_search(*parts)]
    for name, value in report:
        print(f"{name}: {100 * value:.1f} %")


def chosen(seen, candidates):
    """The number of the text [m, d] nearest each picture [n, d]."""
    return (seen @ candidates.T).argmax(1).numpy()


def one_shape(truths, seen, texts):
    single = truths[:, 5] == ABSENT
    colour, shape, size = truths[single, :3].T
    ground, kind = truths[single, 8], truths[single, 7]
    seen = seen[single]
    pairs = [(c, s) for c in range(len(SHAPE_COLOURS)) for s in range(len(SHAPES))]
    guess = chosen(seen, texts([thing(c, s) for c, s in pairs]))
    guessed_colour, guessed_shape = np.array(pairs)[guess].T
    yield "colour and shape, of 80", np.mean((guessed_colour == colour) & (guessed_shape == shape))
    yield "colour", np.mean(guessed_colour == colour)
    yield "shape", np.mean(guessed_shape == shape)
    known = size != OPEN
    guess = chosen(seen, texts([thing(OPEN, OPEN, word) for word in SIZES]))
    yield "size, of 3", np.mean((guess == size)[known])
    ends = known & (size != SIZES.index("medium"))
    guess = chosen(seen, texts([thing(OPEN, OPEN, word) for word in ("small", "large")])) * 2
    yield "small or large", np.mean((guess == size)[ends])
    lines = [f"a shape on a {name} background" for name in COLOUR_NAMES]
    yield "background's colour, of 11", np.mean(chosen(seen, texts(lines)) == ground)
    lines = ["a shape on " + BACKGROUND_WORDS[name][-1].format("") for name in BACKGROUNDS]
    yield "background's kind, of 5", np.mean(chosen(seen, texts(lines)) == kind)


def two_shapes(truths, seen, texts):
    """Whether a caption is nearer than the same one with one thing changed."""
    double = truths[:, 5] != ABSENT
    seen, truths = seen[double], truths[double]

    def line(a, b, relation):
        return f"{thing(*a)} {RELATIONS[relation]} {thing(*b)}"

    pairs = [((c, s), (c2, s2), r) for c, s, _, _, c2, s2, r, _, _ in truths.tolist()]
    true = (seen * texts([line(a, b, r) for a, b, r in pairs])).sum(1)

    def beats(others):
        lines, fair = zip(*others)
        return (true > (seen * texts(list(lines))).sum(1)).numpy()[np.array(fair)].mean()

    yield "two shapes: relation or its opposite", beats(
        (line(a, b, r ^ 1), True) for a, b, r in pairs
    )
    yield "two shapes: colours their own or exchanged", beats(
        (line((b[0], a[1]), (a[0], b[1]), r), a[0] != b[0] and a[1] != b[1]) for a, b, r in pairs
    )
    singles = [(c, s) for c in range(len(SHAPE_COLOURS)) for s in range(len(SHAPES))]
    nearness = seen @ texts([thing(*single) for single in singles]).T
    best = nearness.topk(2, 1).indices.numpy()
    yield "two shapes: both first of 80", np.mean(
        [{singles[n] for n in row} == {a, b} for row, (a, b, _) in zip(best, pairs)]
    )


def retrieval(model, tokenizer, processor):
    """One frame of each of 64 scenes with distinct captions, SETS times."""
    firsts = [FIRST_EVALUATION_SEED + SCENES + 1000 * n for n in range(SETS)]
    by_text, by_picture = [], []
    for first in firsts:
        rng = np.random.default_rng(first)
        taken = distinct(SET, first)
        seen = embed_pictures(
            model, processor, [render(shown, rng.random(), SIZE) for shown, _, _ in taken]
        )
        near = embed_texts(model, tokenizer, [text for _, text, _ in taken]) @ seen.T
        by_text.append((near.argmax(1) == torch.arange(SET)).float().mean())
        by_picture.append((near.argmax(0) == torch.arange(SET)).float().mean())
    yield "text to picture, first of 64", np.mean(by_text)
    yield "picture to text, first of 64", np.mean(by_picture)


def video_search(model, tokenizer, processor):
    """64 clips of clips.py, as 4:2:0: a clip is the mean of its frames' unit embeddings."""
    taken = distinct(SET, FIRST_SEED)
    clips = []
    for shown, _, _ in taken:
        pictures = [picture(planes(frame)) for frame in frames(shown, 16, SIZE)]
        clips.append(embed_pictures(model, processor, pictures).mean(0))
    near = embed_texts(model, tokenizer, [text for _, text, _ in taken]) @ torch.stack(clips).T
    ranks = (near > near.diagonal()[:, None]).sum(1)
    yield "text to clip, first of 64", (ranks == 0).float().mean()
    yield "text to clip, among the first 5 of 64", (ranks < 5).float().mean()
