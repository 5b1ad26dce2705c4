"""Who works when: alerts and people open runs, the crew claims them and takes the steps."""
