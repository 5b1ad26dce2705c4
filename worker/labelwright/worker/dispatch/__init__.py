"""When work is done: alerts and people open runs, the crew claims them and takes their steps."""
