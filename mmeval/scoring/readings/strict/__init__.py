"""Read answers strictly: only what commits to one answer is read, and nothing is guessed."""
