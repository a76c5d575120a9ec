"""The example project: its servers, its data and its demo."""
