"""Published scores as CSV files, each row with its source; README.md says what each file is."""
