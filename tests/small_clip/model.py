# SPDX-License-Identifier: MIT OR Apache-2.0
"""The small CLIP: its shape, its tokenizer, how it is stored and loaded."""

import json
import math
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import CLIPConfig, CLIPModel, CLIPTokenizerFast, PretrainedConfig
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from captions import caption
from scenes import scene

FOLDER = Path(__file__).resolve().parents[2] / "data" / "small-clip"
SIDE = 64
PATCH = 8
# Tokens of a text, both marks included: the longest captions have 24.
CONTEXT = 32
START, END = "<|startoftext|>", "<|endoftext|>"
# Captions the tokenizer learns its merges from, and the tokens it may have: one to a word and more.
TOKENIZER_CAPTIONS = 20_000
TOKENIZER_SIZE = 900


def make_tokenizer(first_seed):
    """A tokenizer whose merges fit the captions of scenes from `first_seed` on."""
    rng = np.random.default_rng(first_seed)
    texts = [caption(scene(first_seed + n), rng)[0] for n in range(TOKENIZER_CAPTIONS)]
    return train_merges(texts, TOKENIZER_SIZE)


def train_merges(texts, size):
    """A tokenizer with CLIP's rules whose merges fit the texts; of at most `size` tokens."""
    # CLIP's own tokenizer without a vocabulary has the rules that split a text.
    rules = CLIPTokenizerFast().backend_tokenizer
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.normalizer = rules.normalizer
    learner.pre_tokenizer = rules.pre_tokenizer
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    # CLIP's order: bytes, bytes that end a word, merges, the marks of start and end.
    tokens = [*letters, *(letter + "</w>" for letter in letters)]
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        initial_alphabet=letters,
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    learner.train_from_iterator(texts, trainer)
    merges = merges_of(learner)[: size - len(tokens) - 2]
    tokens += ["".join(pair) for pair in merges]
    tokens += [START, END]
    return CLIPTokenizerFast(vocab={token: n for n, token in enumerate(tokens)}, merges=merges)


def merges_of(tokenizer):
    """A BPE tokenizer's merges: [(first, second)]."""
    return [tuple(pair) for pair in json.loads(tokenizer.to_str())["model"]["merges"]]


def make_model(tokenizer, seed):
    torch.manual_seed(seed)
    marks = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    common = {"num_attention_heads": 4, "hidden_act": "quick_gelu"}
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 96,
        "intermediate_size": 384,
        "num_hidden_layers": 3,
        "max_position_embeddings": CONTEXT,
        "pad_token_id": tokenizer.pad_token_id,
    }
    vision = {
        "hidden_size": 128,
        "intermediate_size": 256,
        "num_hidden_layers": 4,
        "image_size": SIDE,
        "patch_size": PATCH,
    }
    config = CLIPConfig(
        text_config={**text, **common, **marks, "projection_dim": 64},
        vision_config={**vision, **common, "projection_dim": 64},
        projection_dim=64,
    )
    model = CLIPModel(config)
    with torch.no_grad():
        begin_locally(model.vision_model)
    return model


def begin_locally(vision):
    """Weights from which a vision transformer that sees few pictures learns sooner.

    Positions begin as waves along x and y, so that near ones are alike; queries and keys begin
    alike, so that alike patches attend to each other ("mimetic" initialisation, Trockman and
    Kolter 2023): each patch begins by looking around itself.
    """
    width = vision.config.hidden_size
    lengths = torch.logspace(math.log10(2.5), math.log10(32), width // 4)
    at = torch.arange(SIDE // PATCH)[:, None] * (2 * math.pi / lengths)
    waves = torch.cat([at.sin(), at.cos()], 1)
    rows = waves[:, None].expand(-1, len(waves), -1)
    columns = waves[None].expand(len(waves), -1, -1)
    positions = vision.embeddings.position_embedding.weight
    positions[1:] = torch.cat([rows, columns], -1).flatten(0, 1)
    # Patches as loud as positions.
    patches = vision.embeddings.patch_embedding.weight
    patches.normal_(std=patches[0].numel() ** -0.5)
    for layer in vision.encoder.layers:
        attention = layer.self_attn
        attention.q_proj.weight.normal_(std=0.8 * width**-0.5)
        attention.k_proj.weight.copy_(attention.q_proj.weight)


def make_processor():
    return CLIPImageProcessorPil(
        size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE}
    )


def store(model, tokenizer, folder):
    """Writes the model in float16, its tokenizer and its image processor's settings."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        name: value.detach().to(torch.float16 if value.is_floating_point() else value.dtype)
        for name, value in model.state_dict().items()
    }
    # Positions' numbers, should the model hold them, follow from the config.
    weights = {
        name: value.contiguous() for name, value in weights.items() if "position_ids" not in name
    }
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    config = own(model.config) | {
        "architectures": ["CLIPModel"],
        "text_config": own(model.config.text_config),
        "vision_config": own(model.config.vision_config),
        "torch_dtype": "float16",
    }
    write_json(folder / "config.json", config)
    settings = json.loads(make_processor().to_json_string())
    # The name every version of the processor goes by.
    settings["image_processor_type"] = "CLIPImageProcessor"
    write_json(folder / "preprocessor_config.json", settings)
    # Nothing of how it was last called.
    tokenizer.backend_tokenizer.no_padding()
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))


def own(config):
    """What a config says of its own type of model, the usual included."""
    general = PretrainedConfig().to_dict()
    kept = {key: value for key, value in config.to_dict().items() if key not in general}
    return kept | {"model_type": config.model_type}


def load(folder=FOLDER):
    """The stored model in float32, its tokenizer and its image processor."""
    model = CLIPModel.from_pretrained(folder, dtype=torch.float32).eval()
    return (
        model,
        CLIPTokenizerFast.from_pretrained(folder),
        CLIPImageProcessorPil.from_pretrained(folder),
    )


def write_json(path, content):
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")


def unit(embeddings):
    return embeddings / embeddings.norm(dim=-1, keepdim=True)


def pooled(output):
    """The projected embedding, which versions of `transformers` return bare or within an output."""
    return getattr(output, "pooler_output", output)


@torch.no_grad()
def embed_texts(model, tokenizer, texts):
    """Unit embeddings [n, 64]."""
    tokens = tokenizer(
        texts, padding=True, truncation=True, max_length=CONTEXT, return_tensors="pt"
    )
    return unit(pooled(model.get_text_features(**tokens)))


@torch.no_grad()
def embed_pictures(model, processor, pictures, at_once=256):
    """Unit embeddings [n, 64] of pictures uint8 [height, width, 3]."""
    parts = []
    for first in range(0, len(pictures), at_once):
        inputs = processor(pictures[first : first + at_once], return_tensors="pt")
        parts.append(unit(pooled(model.get_image_features(**inputs))))
    return torch.cat(parts)
