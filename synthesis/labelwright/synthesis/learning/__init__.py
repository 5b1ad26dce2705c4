"""What is learned from rows instead of written: calibration, the student and the head."""
