"""What is kept on disk between a door and the next start of a part."""
