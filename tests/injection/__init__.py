"""What clients send who mean harm: payloads, what an answer must not show, and endpoints to send them to."""
