"""Train MMICL on MIC data: stage I aligns pictures with words, stage II tunes on interleaved contexts."""
