"""The language front end under texts that nobody would write: see __main__.py."""
