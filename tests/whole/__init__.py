"""What no single stage answers for: same answers, rules on every path, tenants."""
