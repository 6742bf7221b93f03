"""Predictions in a millisecond: resident processes that hold registered models and answer over a socket."""
