#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes what `transformers` and Pillow make of pictures and texts, for tests of the Rust models.

    fixtures.py [--folder crates/lnr/tests/clip]

FOLDER/small         data/small-clip's answers (the model itself stays there)
FOLDER/clip-legacy   a tiny CLIP as OpenAI's first files are: eos_token_id 2 (the end is then the
                     highest token), sizes in the preprocessor's settings as bare numbers,
                     position_ids among the weights; and gelu, unlike widths, large layer_norm_eps.
                     float16.
FOLDER/siglip        a tiny SigLIP: Unigram tokenizer, bicubic, patches that do not reach the right
                     and lower edge. float32.
FOLDER/siglip2       a tiny SigLIP 2 of fixed resolution: byte-fallback BPE, pad id 0, bilinear,
                     projection_size unlike the text's width. bfloat16.
FOLDER/resize.safetensors   Pillow's results, uint8: detail [100, 160, 3] to [40, 64, 3] and little
                            [30, 20, 3] to [96, 64, 3], each _bicubic and _bilinear.

Each folder has texts.json, a list of texts, and expected.safetensors:
    image_N            [height, width, 3] uint8
    pixels_N           [3, side, side] float32: what the image processor makes of it
    image_embedding_N  [d] float32
    tokens_N           [n] int64; SigLIP: of the lowercased text, padded
    text_embedding_N   [d] float32
Embeddings are computed in float32 from the stored weights and not normalised. All weights but
small's are random.
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel, PreTrainedTokenizerFast, SiglipConfig, SiglipModel
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

import vocabularies
from model import CONTEXT, FOLDER, load, pooled, write_json
from scenes import render, scene

HERE = Path(__file__).resolve().parents[2] / "crates" / "lnr" / "tests" / "clip"
# Clips and training have other seeds.
FIRST_SEED = 90_000
TINY_CONTEXT = 16
TEXTS = [
    "a red circle on a blue background",
    "A  Photo of a BIG green Star, over 2 checks!",
    "an orange crescent left of a white ring",
    "caf\u00e9 na\u00efve \u2603 \U0001f600 don't",
    "",
    "a video of a small purple triangle that moves to the left on a noisy yellow background, "
    "and then a large black cross below a little pink bar that rises on a striped gray background",
]


def scramble(model, seed):
    """Random weights large enough that every part of the model moves the outcome."""
    generator = torch.Generator().manual_seed(seed)

    def noise(like, deviation):
        return torch.randn(like.shape, generator=generator) * deviation

    with torch.no_grad():
        for name, value in model.named_parameters():
            if value.ndim < 2:
                value.copy_(
                    noise(value, 0.2) + (1 if "norm" in name and name.endswith("weight") else 0)
                )
            elif "token_embedding" in name:
                value.copy_(noise(value, 1.0))
            elif "position_embedding" in name or "probe" in name:
                value.copy_(noise(value, 0.5))
            else:
                # in_proj stacks three matrices of the same fan-in.
                value.copy_(noise(value, 1.8 / math.sqrt(value[0].numel())))


def tiny_clip():
    vision = {
        "hidden_size": 24,
        "intermediate_size": 56,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "image_size": 32,
        "patch_size": 8,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-2,
    }
    text = {
        "vocab_size": 0,
        "hidden_size": 16,
        "intermediate_size": 40,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": TINY_CONTEXT,
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-3,
        "bos_token_id": 0,
        "pad_token_id": 1,
        "eos_token_id": 2,
    }
    tokenizer = vocabularies.clip()
    text["vocab_size"] = tokenizer.get_vocab_size()
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=20))
    settings = {
        "crop_size": 32,
        "do_center_crop": True,
        "do_normalize": True,
        "do_resize": True,
        "feature_extractor_type": "CLIPFeatureExtractor",
        "image_mean": [0.48145466, 0.4578275, 0.40821073],
        "image_std": [0.26862954, 0.26130258, 0.27577711],
        "resample": 3,
        "size": 32,
    }
    return model, tokenizer, settings, CLIPImageProcessorPil


def tiny_siglip(tokenizer, side, patch, widths, resample, pad, first, end):
    width, text_width = widths
    common = {"num_hidden_layers": 2, "num_attention_heads": 2}
    vision = {
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "image_size": side,
        "patch_size": patch,
        **common,
    }
    text = {
        "vocab_size": tokenizer.get_vocab_size(),
        "hidden_size": text_width,
        "intermediate_size": 2 * text_width,
        "max_position_embeddings": TINY_CONTEXT,
        "projection_size": width,
        "pad_token_id": pad,
        "bos_token_id": first,
        "eos_token_id": end,
        **common,
    }
    settings = {
        "do_convert_rgb": None,
        "do_normalize": True,
        "do_rescale": True,
        "do_resize": True,
        "image_mean": [0.5, 0.5, 0.5],
        "image_processor_type": "SiglipImageProcessor",
        "image_std": [0.5, 0.5, 0.5],
        "resample": resample,
        "rescale_factor": 1 / 255,
        "size": {"height": side, "width": side},
    }
    model = SiglipModel(SiglipConfig(text_config=text, vision_config=vision))
    return model, tokenizer, settings, SiglipImageProcessorPil


def sparse(config):
    """A config as checkpoints have it: what is usual for its type is left out."""
    usual = type(config)().to_dict()
    kept = {key: value for key, value in config.to_dict().items() if usual.get(key) != value}
    if "projection_size" in kept and kept["projection_size"] == config.hidden_size:
        del kept["projection_size"]
    kept.pop("transformers_version", None)
    return kept | {"model_type": config.model_type}


def store_tiny(folder, made, seed, dtype):
    """Writes a tiny model; the model read back, its tokenizer, its image processor."""
    model, tokenizer, settings, processor = made
    folder.mkdir(parents=True, exist_ok=True)
    scramble(model, seed)
    weights = {name: value.to(dtype).contiguous() for name, value in model.state_dict().items()}
    if isinstance(model, CLIPModel):
        for part, count in (("text", TINY_CONTEXT), ("vision", 17)):
            weights[f"{part}_model.embeddings.position_ids"] = torch.arange(count)[None]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = sparse(model.config) | {
        "architectures": [type(model).__name__],
        "text_config": sparse(model.config.text_config),
        "vision_config": sparse(model.config.vision_config),
        "torch_dtype": str(dtype).removeprefix("torch."),
    }
    write_json(folder / "config.json", config)
    write_json(folder / "preprocessor_config.json", settings)
    # Compact: a vocabulary's line a token would outweigh the model.
    text = json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":"))
    (folder / "tokenizer.json").write_text(text + "\n")
    model = type(model).from_pretrained(folder, dtype=torch.float32).eval()
    fast = PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    return model, fast, processor.from_pretrained(folder)


@torch.no_grad()
def store_expected(folder, model, tokenizer, processor, sizes, context):
    folder.mkdir(parents=True, exist_ok=True)
    expected = {}
    for number, size in enumerate(sizes):
        picture = render(scene(FIRST_SEED + number), 0.4, size)
        pixels = processor(picture, return_tensors="pt").pixel_values
        expected[f"image_{number}"] = torch.from_numpy(picture)
        expected[f"pixels_{number}"] = pixels[0].contiguous()
        expected[f"image_embedding_{number}"] = pooled(
            model.get_image_features(pixel_values=pixels)
        )[0]
    for number, text in enumerate(TEXTS):
        if isinstance(model, SiglipModel):
            pad = model.config.text_config.pad_token_id
            tokens = tokenizer(text.lower(), truncation=True, max_length=context).input_ids
            tokens += [pad] * (context - len(tokens))
        else:
            tokens = tokenizer(text, truncation=True, max_length=context).input_ids
        tokens = torch.tensor([tokens])
        expected[f"tokens_{number}"] = tokens[0]
        expected[f"text_embedding_{number}"] = pooled(model.get_text_features(input_ids=tokens))[0]
    save_file(
        {name: value.contiguous() for name, value in expected.items()},
        folder / "expected.safetensors",
    )
    (folder / "texts.json").write_text(json.dumps(TEXTS, indent=2) + "\n")


def store_resized(folder):
    rng = np.random.default_rng(FIRST_SEED)
    ys, xs = np.mgrid[:100, :160]
    # Rings ever finer, noise, and edges beyond which a bicubic filter would overshoot.
    rings = 127.5 + 127.5 * np.cos((xs**2 + ys**2) / 90)
    detail = np.stack(
        [rings, rng.integers(0, 256, rings.shape), 255 * ((xs // 7 + ys // 5) % 2)], -1
    )
    little = rng.integers(0, 256, (30, 20, 3))
    tensors = {}
    for name, picture, size in (("detail", detail, (64, 40)), ("little", little, (64, 96))):
        picture = np.rint(picture).astype(np.uint8)
        tensors[name] = picture
        for filter_ in ("bicubic", "bilinear"):
            method = Image.Resampling[filter_.upper()]
            tensors[f"{name}_{filter_}"] = np.array(Image.fromarray(picture).resize(size, method))
    save_file(
        {name: torch.from_numpy(value) for name, value in tensors.items()},
        folder / "resize.safetensors",
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=HERE)
    folder = parser.parse_args().folder
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    store_resized(folder)
    # Shrunk, enlarged and as it is; wide and tall.
    store_expected(folder / "small", *load(FOLDER), [(96, 64), (50, 90), (64, 64)], CONTEXT)
    tiny = {
        "clip-legacy": (tiny_clip(), torch.float16),
        "siglip": (
            tiny_siglip(vocabularies.siglip(), 30, 8, (20, 20), 3, pad=1, first=None, end=1),
            torch.float32,
        ),
        "siglip2": (
            tiny_siglip(vocabularies.siglip2(), 32, 8, (24, 16), 2, pad=0, first=2, end=1),
            torch.bfloat16,
        ),
    }
    for seed, (name, (made, dtype)) in enumerate(tiny.items()):
        parts = store_tiny(folder / name, made, seed, dtype)
        store_expected(folder / name, *parts, [(60, 40), (20, 45)], TINY_CONTEXT)


if __name__ == "__main__":
    main()
