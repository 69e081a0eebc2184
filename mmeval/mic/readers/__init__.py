"""A reader for each source: the data set's own annotation files in, rows out. Pictures are only named, not opened."""

from collections.abc import Callable, Iterator, Mapping

from mmeval.mic.readers import (
    coco,
    flickr30k,
    gqa,
    iconqa,
    llava,
    miniimagenet,
    msrvtt,
    nlvr2,
    published,
    refcoco,
    textvqa,
    vcr,
    vqa,
    vsr,
)
from mmeval.mic.rows import Root, SourceRow

Reader = Callable[[Root], Iterator[SourceRow]]

READERS: Mapping[str, Reader] = {
    "vqav2": vqa.vqav2,
    "okvqa": vqa.okvqa,
    "gqa": gqa.rows,
    "textvqa": textvqa.rows,
    "coco": coco.rows,
    "flickr30k": flickr30k.rows,
    "nlvr2": nlvr2.rows,
    "vcr": vcr.rows,
    "refcoco": refcoco.rows,
    "vsr": vsr.rows,
    "llava": llava.instruct,
    "llavapretrain": llava.pretrain,
    "miniimagenet": miniimagenet.rows,
    "iconqa": iconqa.rows,
    "msrvtt": msrvtt.captions,
    "msrvttqa": msrvtt.questions,
    "mic": published.rows,
}
