# SPDX-License-Identifier: MIT OR Apache-2.0
"""Tiny tokenizers with the rules of CLIP's, SigLIP's and SigLIP 2's, for fixtures."""

import math
import string
from collections import Counter

import numpy as np
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

from captions import caption
from model import merges_of, train_merges
from scenes import scene

CAPTIONS = 2000


def lines():
    rng = np.random.default_rng(0)
    return [caption(scene(seed), rng)[0] for seed in range(CAPTIONS)]


def clip():
    """Merges too few for whole words."""
    return train_merges(lines(), 580).backend_tokenizer


def siglip():
    """Unigram, as SigLIP's: no case, no punctuation, a mark of the end that also pads.

    Words have their counts' logarithms for scores, syllables and letters less.
    """
    counts = Counter(word for line in lines() for word in line.split())
    total = sum(counts.values())
    # Words that end in d or e are left to their parts.
    pieces = {
        "\u2581" + w: math.log(n / total) for w, n in sorted(counts.items()) if w[-1] not in "de"
    }
    pieces |= {
        part: -8.5 for part in ("\u2581st", "re", "ar", "ing", "ack", "ur", "pl", "cir", "squ")
    }
    pieces |= {"\u2581": -7.0} | {
        letter: -11.0 for letter in string.ascii_lowercase + string.digits
    }
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    vocabulary += [(piece, round(score, 4)) for piece, score in pieces.items()]
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=2))
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Lowercase(),
            normalizers.Replace(Regex(r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]"), ""),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens([special("</s>"), special("<unk>")])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    return tokenizer


def siglip2():
    """BPE over characters with bytes to fall back to, as Gemma's; does not lowercase."""
    learner = Tokenizer(models.BPE())
    learner.normalizer = normalizers.Replace(" ", "\u2581")
    learner.pre_tokenizer = pre_tokenizers.Split("\u2581", "merged_with_next")
    learner.train_from_iterator(lines(), trainers.BpeTrainer(vocab_size=140, show_progress=False))
    learnt = learner.get_vocab()
    tokens = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    tokens += [f"<0x{byte:02X}>" for byte in range(256)]
    tokens += [piece for piece, _ in sorted(learnt.items(), key=lambda item: item[1])]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    rules = models.BPE(
        vocab=vocabulary,
        merges=merges_of(learner),
        unk_token="<unk>",
        fuse_unk=True,
        byte_fallback=True,
    )
    tokenizer = Tokenizer(rules)
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    tokenizer.add_special_tokens([special(token) for token in tokens[:5]])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A <eos>", pair="$A <eos> $B <eos>", special_tokens=[("<eos>", 1)]
    )
    return tokenizer


def special(token):
    return AddedToken(token, special=True, normalized=False)
