"""This edge beside Icecast, nginx with HLS and nginx with Nchan: same listeners, same bitrate."""
