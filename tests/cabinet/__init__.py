"""Object permissions: a model for each kind of key, and for each way in which guardian keeps grants."""
