"""Any vision-language checkpoint of transformers, asked through its own chat template."""
