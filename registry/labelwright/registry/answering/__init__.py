"""The gRPC side: requests are checked, stores are asked, results become messages."""
