"""The benchmarks, one file (and one YAML card) each. Installed as `mmeval.tasks`."""

TASKS = {
    "mme": "mmeval.tasks.mme:MME",
}
"""Task name -> where its value is; imported only when asked for."""
