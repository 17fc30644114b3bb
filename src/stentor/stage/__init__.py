"""The stage: where speakers meet. WebRTC in, the mix out; the only part that hears anybody."""
