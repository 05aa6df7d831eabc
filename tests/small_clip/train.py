#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Trains the small CLIP on rendered scenes and stores it in data/small-clip; tells how good it is.

    train.py [--steps N] [--folder DIR]    trains, stores, evaluates
    train.py --evaluate [--folder DIR]     evaluates what is stored

Needs torch, transformers, tokenizers, safetensors, pillow and numpy; one core is enough.
"""

import argparse
import io
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageFilter

from captions import caption, variant
from evaluate import evaluate
from model import (
    CONTEXT,
    FOLDER,
    PATCH,
    SIDE,
    load,
    make_model,
    make_processor,
    make_tokenizer,
    pooled,
    store,
    unit,
)
from scenes import (
    BACKGROUNDS,
    COLOURS,
    ABSENT,
    OPEN,
    PLACES,
    SHAPES,
    SIZES,
    agreement,
    facts,
    render,
    scene,
)

SEED = 7
# Evaluation and clips have the seeds below.
FIRST_TRAINING_SEED = 1_000_000
BATCH = 128
STEPS = 1300
# The part of the steps in which pictures are learnt by the helpers alone, without texts.
PICTURES_ALONE = 0.4
RATE = 1.2e-3
WARM_UP = 50
STORE_EVERY = 200
PATCHES = SIDE // PATCH
# A logit scale beyond 100 is CLIP's limit too.
LARGEST_SCALE = math.log(100)
MEAN, DEVIATION = (
    torch.tensor(values)[:, None, None]
    for values in (make_processor().image_mean, make_processor().image_std)
)


class Helpers(torch.nn.Module):
    """Heads for training alone: what each patch shows, and what the whole picture does.

    Contrast by itself tells a transformer late that shapes are local.
    """

    PATCH_SIZES = [len(SHAPES) + 1, len(COLOURS) + 1]
    WHOLE_SIZES = [
        len(COLOURS),
        len(SHAPES),
        len(SIZES),
        len(PLACES),
        len(BACKGROUNDS),
        len(COLOURS),
    ]
    # Most patches show no shape, which is soon known.
    EMPTY_WEIGHT = 0.1
    PIXELS_WEIGHT = 3.0

    def __init__(self, width):
        super().__init__()
        self.norm = torch.nn.LayerNorm(width)
        self.patches = torch.nn.Linear(width, sum(self.PATCH_SIZES))
        self.pixels_norm = torch.nn.LayerNorm(width)
        self.pixels = torch.nn.Linear(width, PATCH**2)
        self.whole = torch.nn.Linear(width, sum(self.WHOLE_SIZES))

    def forward(self, seen, covered, patch_labels, whole_labels):
        """The loss, and which part of patches with shapes have the right one.

        Of the vision model's output for n pictures, hidden states included; labels [n, 64, 64]
        (whether a shape covers a patch's pixels), [n, 64, 2] and [n, 6].
        """
        # Where a shape is must be known before which it is.
        halfway = seen.hidden_states[len(seen.hidden_states) // 2][:, 1:]
        guess = self.pixels(self.pixels_norm(halfway))
        loss = self.PIXELS_WEIGHT * F.binary_cross_entropy_with_logits(guess, covered)
        patches, whole = seen.last_hidden_state[:, 1:], seen.pooler_output
        guesses = self.patches(self.norm(patches)).split(self.PATCH_SIZES, -1)
        for guess, label in zip(guesses, patch_labels.unbind(-1)):
            weights = torch.ones(guess.shape[-1])
            weights[-1] = self.EMPTY_WEIGHT
            loss = loss + F.cross_entropy(guess.flatten(0, 1), label.flatten(), weights)
        for guess, label in zip(
            self.whole(whole).split(self.WHOLE_SIZES, -1), whole_labels.unbind(-1)
        ):
            loss = loss + F.cross_entropy(guess, label, ignore_index=OPEN) / len(self.WHOLE_SIZES)
        filled = patch_labels[..., 0] < len(SHAPES)
        right = (guesses[0].argmax(-1) == patch_labels[..., 0])[filled].float().mean()
        return loss, right


def worn(picture, rng):
    """A square picture as decoded video may show it, 64x64: blurred, compressed, chroma halved."""
    image = Image.fromarray(picture)
    if rng.random() < 0.35:
        packed = io.BytesIO()
        image.save(packed, "jpeg", quality=int(rng.integers(20, 95)))
        image = Image.open(packed)
    if rng.random() < 0.25:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.4)))
    pixels = np.asarray(image, np.float32)
    if rng.random() < 0.3:
        pixels = pixels + rng.normal(0, rng.uniform(1, 8), pixels.shape).astype(np.float32)
    if rng.random() < 0.5:
        pixels = pixels * rng.uniform(0.93, 1.07) + rng.uniform(-8, 8)
    return np.clip(pixels, 0, 255)


def batch(step):
    """One step's pictures, their labels, and their texts followed by as many near misses'."""
    rng = np.random.default_rng([SEED, step])
    pictures, covered, patch_labels, truths, texts, claims = [], [], [], [], [], []
    misses, missed = [], []
    for number in range(BATCH):
        shown = scene(FIRST_TRAINING_SEED + step * BATCH + number)
        # A few rows or columns of the picture may be missing, as after a crop.
        picture, owners = render(shown, rng.random(), (SIDE, SIDE), with_map=True)
        shift = rng.integers(-3, 4, 2)
        picture, owners = (shifted(plane, shift) for plane in (picture, owners))
        pictures.append(worn(picture, rng))
        blocks = blocks_of(owners)
        covered.append(blocks > 0)
        patch_labels.append(labels_of(shown, blocks))
        truths.append(facts(shown))
        text, claim = caption(shown, rng)
        texts.append(text)
        claims.append(claim)
        text, claim = caption(variant(shown, rng), rng)
        misses.append(text)
        missed.append(claim)
    agrees = agreement(truths, claims + missed)
    truths = np.array(truths)
    whole = truths[:, [0, 1, 2, 3, 7, 8]]
    # Of two shapes none is the whole picture's.
    whole[truths[:, 5] != ABSENT, :2] = OPEN
    labels = np.stack(covered), np.stack(patch_labels), whole
    return np.stack(pictures), labels, texts + misses, agrees


def shifted(plane, shift):
    """The plane moved by whole pixels; its edge goes on."""
    reach = np.abs(shift)
    padded = np.pad(plane, [(reach[0],) * 2, (reach[1],) * 2] + [(0, 0)] * (plane.ndim - 2), "edge")
    top, left = reach + shift
    return padded[top : top + plane.shape[0], left : left + plane.shape[1]]


def blocks_of(plane):
    """The pixels [64, 64] of a plane by patch: [64, 64]."""
    parts = plane.reshape(PATCHES, PATCH, PATCHES, PATCH).swapaxes(1, 2)
    return parts.reshape(PATCHES**2, PATCH**2)


def labels_of(shown, blocks):
    """Shape and colour of each patch's foremost shape [64, 2]; their counts: there is none."""
    labels = np.tile([len(SHAPES), len(COLOURS)], (PATCHES**2, 1))
    for number, shape in enumerate(shown.shapes):
        # A tenth of a patch is as little as can be told from a blurred edge.
        labels[(blocks == number + 1).mean(1) > 0.1] = shape.shape, shape.colour
    return labels


def train(steps, minutes, start, first_step, folder):
    """Trains for `steps`, or `minutes` if given, from the weights in `start` if given."""
    torch.set_num_threads(1)
    if start:
        model, tokenizer, _ = load(start)
        model.train()
    else:
        tokenizer = make_tokenizer(FIRST_TRAINING_SEED)
        model = make_model(tokenizer, SEED)
    torch.manual_seed(SEED)
    helpers = Helpers(model.config.vision_config.hidden_size)
    parameters = [*model.parameters(), *helpers.parameters()]
    optimizer = torch.optim.AdamW(
        [
            {"params": [p for p in parameters if p.ndim > 1], "weight_decay": 0.05},
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ],
        lr=RATE,
        betas=(0.9, 0.98),
    )
    # What has learnt texts goes on with them.
    alone = 0 if start else PICTURES_ALONE
    began, step = time.monotonic(), 0
    while True:
        took = time.monotonic() - began
        done = took / (60 * minutes) if minutes else step / steps
        if done >= 1 or step % STORE_EVERY == STORE_EVERY - 1:
            with torch.no_grad():
                model.logit_scale.clamp_(max=LARGEST_SCALE)
            store(model, tokenizer, folder)
        if done >= 1:
            print(f"{took:.0f} s, {step} steps of {BATCH} pictures")
            break
        for group in optimizer.param_groups:
            group["lr"] = RATE * pace(step, done, alone)
        loss, tale = loss_of(model, helpers, tokenizer, batch(first_step + step), done < alone)
        optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        if step % 25 == 0:
            told = ", ".join(f"{name} {value.item():.3f}" for name, value in tale.items())
            print(f"{took:.0f} s, step {step}: {told}, norm {norm:.2f}", flush=True)
        step += 1


def pace(step, done, alone):
    """The part of the full learning rate: rises, stays, falls by a cosine once texts are learnt."""
    falling = max(0, done - alone) / (1 - alone)
    return min(1, (step + 1) / WARM_UP) * (0.01 + 0.99 * math.cos(falling * math.pi / 2) ** 2)


def loss_of(model, helpers, tokenizer, parts, alone):
    """A batch's loss, and what to tell of it. Without texts if pictures are to be `alone`."""
    pictures, labels, texts, agrees = parts
    pixels = (torch.from_numpy(pictures).permute(0, 3, 1, 2) / 255 - MEAN) / DEVIATION
    seen = model.vision_model(pixel_values=pixels, output_hidden_states=True)
    covered, *numbers = (torch.from_numpy(label) for label in labels)
    helping, right_patches = helpers(seen, covered.float(), *numbers)
    tale = {"helpers": helping, "patches right": right_patches}
    if alone:
        return helping, tale
    tokens = tokenizer(
        texts, padding=True, truncation=True, max_length=CONTEXT, return_tensors="pt"
    )
    told = unit(pooled(model.get_text_features(input_ids=tokens.input_ids)))
    images = unit(model.visual_projection(seen.pooler_output))
    logits = model.logit_scale.clamp(max=LARGEST_SCALE).exp() * images @ told.T
    # A text that is true of another picture too counts neither for nor against it.
    own = np.eye(*agrees.shape, dtype=bool)
    logits = logits.masked_fill(torch.from_numpy(agrees & ~own), -1e4)
    targets = torch.arange(BATCH)
    contrast = F.cross_entropy(logits, targets) + F.cross_entropy(logits[:, :BATCH].T, targets)
    tale["contrast"] = contrast / 2
    tale["texts right"] = (logits.argmax(1) == targets).float().mean()
    tale["scale"] = model.logit_scale.exp()
    return 0.25 * contrast + helping, tale


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--evaluate", action="store_true")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--minutes", type=float, help="instead of steps")
    parser.add_argument("--from", dest="start", type=Path, help="a stored model to begin with")
    parser.add_argument("--first-step", type=int, default=0, help="whose pictures come first")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    options = parser.parse_args()
    if not options.evaluate:
        train(options.steps, options.minutes, options.start, options.first_step, options.folder)
    evaluate(options.folder)


if __name__ == "__main__":
    main()
