"""What is stored: the database with its migrations, and the artifacts on disk."""
