"""The gRPC side: requests checked, parts asked, answers worded."""
