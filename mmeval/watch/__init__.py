"""Watch a stream: ask a model about its last frames, again and again, and raise an alarm when the answer turns yes."""
