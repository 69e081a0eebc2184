"""LLaVA's two sets: a list of conversations, or of captions asked for, about a picture; each kept as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mmeval.mic.rows import Picture, Root, SourceRow
from mmeval.mmicl.examples import Turn

WHO = ("human", "gpt")


def instruct(root: Root) -> Iterator[SourceRow]:
    """LLaVA-Instruct-150K, pictures of COCO."""
    path = root.need("llava_instruct_150k.json", "llava_instruct_80k.json")
    yield from _rows(root, path, root.need("train2017", "images/train2017", "train2014"))


def pretrain(root: Root) -> Iterator[SourceRow]:
    """The captions of LLaVA's first stage: 558k of LCS, or 595k of CC3M."""
    path = root.need("blip_laion_cc_sbu_558k.json", "chat.json")
    yield from _rows(root, path, root.find("images") or ".")


def _rows(root: Root, path: str, folder: str) -> Iterator[SourceRow]:
    """Split train. `<image>` in the first question is the picture's place, which comes first here in any case.

    Ids of pictures come again: an entry is named by its picture and its number in the file.
    """

    def make(item: tuple[int, dict[str, Any]]) -> list[SourceRow]:
        number, entry = item
        said = [str(turn["value"]).replace("<image>", "").strip() for turn in entry["conversations"]]
        speakers = [turn["from"] for turn in entry["conversations"]]
        right = speakers and speakers == [WHO[k % 2] for k in range(len(said))] and len(said) % 2 == 0
        problem = "" if right and all(said) else "its conversation is not question and answer by turns"
        later = () if problem else tuple(Turn((said[k],), said[k + 1]) for k in range(2, len(said), 2))
        question, answer = (said[0], said[1]) if not problem else ("", "")
        picture = Picture(f"{folder}/{entry['image']}")
        return [
            SourceRow(f"{entry['id']}-{number}", "train", (picture,), {"question": question}, answer, later, problem)
        ]

    yield from root.each(path, enumerate(root.json(path, list)), make)
