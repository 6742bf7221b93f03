"""What an owner may: paths, databases, tables, sources."""
