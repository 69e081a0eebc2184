"""The MIC data (multi-modal in-context learning): what an example is, how its parts are joined, how sets are built."""
