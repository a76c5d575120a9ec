"""Models that all have what rules ask of: an owner, readers, a tenant."""
