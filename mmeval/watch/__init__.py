"""Watch a stream: ask a model repeatedly about its last frames, and raise an alarm when the answer turns yes."""
