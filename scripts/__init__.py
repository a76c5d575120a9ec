"""Programs for those who develop the package; they are not part of it."""
