"""From declarations and models to GraphQL types."""
