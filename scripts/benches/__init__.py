"""What we cost, one module a bench: see __main__.py."""
