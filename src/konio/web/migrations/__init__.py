"""How the tables came to have their shape, step by step (Alembic)."""
