"""Mutations made from models."""
