"""Encoders and decoders: samples to bytes and back. No clock, no socket, no policy."""
