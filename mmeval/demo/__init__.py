"""A page to talk with one or two models (`page`), and the visitors' conversations (`visits`)."""
