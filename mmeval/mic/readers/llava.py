"""Read LLaVA's two sets: conversations about a picture, or requests for a caption. Conversations are kept whole."""

from collections.abc import Iterator

from mmeval.mic.rows import Picture, Root, SourceRow, of_form
from mmeval.mmicl.examples import Turn

WHO = ("human", "gpt")


def instruct(root: Root) -> Iterator[SourceRow]:
    """Read LLaVA-Instruct-150K, about pictures of COCO."""
    path = root.need("llava_instruct_150k.json", "llava_instruct_80k.json")
    yield from _rows(root, path, root.need("train2017", "images/train2017", "train2014"))


def pretrain(root: Root) -> Iterator[SourceRow]:
    """Read the captions of LLaVA's first stage: 558k of LCS, or 595k of CC3M."""
    path = root.need("blip_laion_cc_sbu_558k.json", "chat.json")
    yield from _rows(root, path, root.find("images") or ".")


def _rows(root: Root, path: str, folder: str) -> Iterator[SourceRow]:
    """Read split train. `<image>` marks the picture's place; it is removed, because pictures come first here anyway.

    Ids of pictures repeat, so an entry's id is the given id and its number in the file.
    """
    for number, line in enumerate(root.rows(path, ".")):
        with of_form(line):
            turns = line.value("conversations")
            texts = [str(turn["value"]).replace("<image>", "").strip() for turn in turns]
            speakers = [turn["from"] for turn in turns]
            right = speakers and speakers == [WHO[k % 2] for k in range(len(texts))] and len(texts) % 2 == 0
            problem = "" if right and all(texts) else "its conversation does not alternate question and answer"
            later = () if problem else tuple(Turn((texts[k],), texts[k + 1]) for k in range(2, len(texts), 2))
            question, answer = ("", "") if problem else texts[:2]
            picture, id = Picture(f"{folder}/{line.value('image')}"), f"{line.value('id')}-{number}"
            yield SourceRow(id, "train", (picture,), {"question": question}, answer, later, problem)
