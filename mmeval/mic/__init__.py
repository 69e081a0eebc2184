"""MIC data (multi-modal in-context learning): build training sets, and evaluate on MIC files."""
