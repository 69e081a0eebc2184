"""A page to talk with one or two models (`page`), and what visitors say and are told (`visits`)."""
