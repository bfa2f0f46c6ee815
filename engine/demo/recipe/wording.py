"""The two tokenizers, learned from captions: CLIP's byte-level BPE and T5's pieces.

Words that no caption holds fall apart into smaller pieces: bytes for CLIP, characters for T5, whose
class keeps `<unk>` for characters of other scripts. So any wording has tokens.
"""

import json
import string
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import Tensor
from transformers import CLIPTokenizer, T5Tokenizer

CLIP_LENGTH = 77
START, END = "<|startoftext|>", "<|endoftext|>"
PAD, EOS, UNKNOWN = "<pad>", "</s>", "<unk>"

_LATIN = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝßàáâãäåæçèéêëìíîïñòóôõöøùúûüýÿœšžăąćčęěğıłńňőřśşťůűźż"
_GREEK_CYRILLIC = "αβγδεζηθικλμνξοπρστυφχψωабвгдежзийклмнопрстуфхцчшщъыьэюя"
_PUNCTUATION = ",.;:!?\"'()"
CHARACTERS = string.printable[:94] + _LATIN + _GREEK_CYRILLIC + "–—‘’“”…€£°"


def learn_clip_tokenizer(captions: Iterable[str], vocabulary: int) -> CLIPTokenizer:
    """Byte-level BPE with the very steps of CLIPTokenizer; at least 514 tokens."""
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    # The class itself rebuilds these steps when it is loaded, so they are taken from it.
    steps = CLIPTokenizer().backend_tokenizer
    learner = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learner.normalizer = steps.normalizer
    learner.pre_tokenizer = steps.pre_tokenizer
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[START, END, *sorted(alphabet), *(f"{c}</w>" for c in sorted(alphabet))],
        initial_alphabet=alphabet,
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    learner.train_from_iterator(captions, trainer)
    merges = [tuple(pair) for pair in _model_of(learner)["merges"]]
    tokenizer = CLIPTokenizer(vocab=learner.get_vocab(), merges=merges)  # pyright: ignore
    tokenizer.model_max_length = CLIP_LENGTH
    return tokenizer


def learn_t5_tokenizer(captions: Iterable[str], vocabulary: int) -> T5Tokenizer:
    """Pad, eos and unknown; the captions' most frequent words, whole; every character alone.

    A word costs less than its characters, so it is never split; other words always are.
    """
    counts: Counter[str] = Counter()
    for caption in captions:
        counts.update(word.strip(_PUNCTUATION) for word in caption.split())
    del counts[""]
    words = [w for w, _ in counts.most_common(vocabulary - len(CHARACTERS) - 4) if len(w) > 1]
    pieces = [(PAD, 0.0), (EOS, 0.0), (UNKNOWN, 0.0), ("▁", -8.0)]
    pieces += [(f"▁{w}", -6.0) for w in words]
    pieces += [(f"▁{c}", -9.0) for c in string.ascii_letters]
    pieces += [(c, -8.0) for c in dict.fromkeys(CHARACTERS)]
    tokenizer = T5Tokenizer(vocab=pieces, extra_ids=0)  # pyright: ignore
    tokenizer.model_max_length = 512
    return tokenizer


def _model_of(learner: Tokenizer) -> dict:
    return json.loads(learner.to_str())["model"]


def tokenize(tokenizer: CLIPTokenizer | T5Tokenizer, texts: Sequence[str], length: int) -> Tensor:
    """Token ids as FluxPipeline makes them, (texts, length), int16 to save memory.

    Ten times faster than calling the tokenizer, which matters for half a million captions.
    """
    backend = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    backend.no_padding()
    backend.no_truncation()
    ids = np.full((len(texts), length), tokenizer.pad_token_id, dtype=np.int16)
    for row, encoding in enumerate(backend.encode_batch_fast(list(texts))):
        found = encoding.ids
        if len(found) > length:
            found = [*found[: length - 1], tokenizer.eos_token_id]
        ids[row, : len(found)] = found
    return torch.from_numpy(ids)
