"""From one answer to its score: extract the answer from the text, and compare it with the targets.

Nothing here depends on other answers; `scoring.metrics` computes numbers over many.
"""
