"""The SQL of the import's scratch database (SQLite)."""
