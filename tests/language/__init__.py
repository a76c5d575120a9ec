"""Documents: parsed, limited, validated, their values coerced."""
