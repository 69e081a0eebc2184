"""Read each source's own annotation files into rows. Pictures are only named, not opened."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from mmeval.data.vqa import OKVQA, VQAV2
from mmeval.mic.readers import benchmarks, captions, llava, miniimagenet, published, refcoco
from mmeval.mic.rows import Root, SourceRow

Reader = Callable[[Root], Iterator[SourceRow]]

READERS: Mapping[str, Reader] = {
    "vqav2": partial(benchmarks.vqa, release=VQAV2),
    "okvqa": partial(benchmarks.vqa, release=OKVQA),
    "gqa": benchmarks.gqa,
    "textvqa": benchmarks.textvqa,
    "coco": captions.coco,
    "flickr30k": captions.flickr30k,
    "nlvr2": benchmarks.nlvr2,
    "vcr": benchmarks.vcr,
    "refcoco": refcoco.rows,
    "vsr": benchmarks.vsr,
    "llava": llava.instruct,
    "llavapretrain": llava.pretrain,
    "miniimagenet": miniimagenet.rows,
    "iconqa": benchmarks.iconqa,
    "msrvtt": captions.msrvtt,
    "msrvttqa": benchmarks.msrvttqa,
    "mic": published.rows,
}
