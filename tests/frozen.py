"""Imported last by the process that `tests.forks` forks from: it has what each forked process would prepare anew.

Its objects are never collected. Otherwise the first garbage collection of each forked process visits all of them and
so copies their memory.
"""

import gc

from PIL import Image

from mmeval import provenance
from mmeval.reporting import page

Image.init()
page._template("page.html")
provenance._commit()  # remembered, see `tests.conftest`
gc.collect()
gc.freeze()
