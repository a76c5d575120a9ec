"""An app in which no two requests find the same: it asks the clock, the tenant, the language and the user."""
