"""The site of the demo: a page with what to try, Django's admin, users to sign in as, and a schema for customers."""
