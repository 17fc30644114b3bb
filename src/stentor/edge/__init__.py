"""The edge: delivers the programme to listeners. It knows bytes, not audio."""
