"""What every server needs: settings, addresses, logs, health over HTTP, threads, and how it ends."""
