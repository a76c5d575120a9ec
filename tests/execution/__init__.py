"""What happens to a plan: sessions, limits at run time, responses and failures."""
