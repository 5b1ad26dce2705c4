"""What every server needs: settings, addresses, gRPC and HTTP listeners, logs, threads, exit codes."""
