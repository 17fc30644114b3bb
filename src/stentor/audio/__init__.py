"""Sound as numbers: jitter buffer, playout, loudness, mix, limiter. Pure; ticks are passed in."""
