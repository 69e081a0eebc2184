"""What makes in-process adapters fast: each picture encoded once, requests batched by length."""
