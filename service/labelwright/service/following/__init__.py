"""What the registry says, followed: live versions change between two requests."""
