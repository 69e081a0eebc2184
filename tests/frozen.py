"""Imported last by the process that `tests.forks` forks from: its objects are never collected.

Otherwise the first garbage collection of each forked process visits all of them and so copies their memory.
"""

import gc

gc.collect()
gc.freeze()
