"""What a program that is not the engine asks of a service."""
