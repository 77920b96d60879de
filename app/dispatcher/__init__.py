"""The dispatcher: the one process that runs reactors, timers and, later, Lambda functions."""
