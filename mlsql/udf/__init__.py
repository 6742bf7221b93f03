"""What SQL can call: functions that come with this package, and functions made from stored models."""
