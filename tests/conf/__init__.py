"""Settings, and the upstream's configuration."""
