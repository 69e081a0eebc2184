"""The study of language bias: what a run and its runs under controls show, as numbers, figures and a page of words."""
