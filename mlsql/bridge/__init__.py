"""Tables to Python workers and models back; knows nothing of scripts."""
