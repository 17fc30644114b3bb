"""What `./run` shows: two voices, a hold tune, and the room that they talk in."""
