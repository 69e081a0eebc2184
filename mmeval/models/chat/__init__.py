"""Any vision-language checkpoint of transformers, prompted through its own chat template."""
