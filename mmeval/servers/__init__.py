"""OpenAI-compatible servers: many requests in flight, retries, whole replies or streamed ones."""
