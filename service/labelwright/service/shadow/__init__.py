"""Evaluates a candidate version beside the production version on a share of the traffic."""
