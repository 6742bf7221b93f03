"""The libraries that can be trained with, one module each."""
