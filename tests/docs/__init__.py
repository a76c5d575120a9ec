"""The tutorial and the how-to guides, followed step by step."""
