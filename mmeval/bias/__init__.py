"""The language-bias study: numbers from a run and its runs under controls."""
