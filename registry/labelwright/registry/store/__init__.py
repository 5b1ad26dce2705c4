"""What is kept: the database with its migrations, and the artifacts on disk."""
