"""Stentor: live audio conversations for audiences of any size, self-hosted.

The folders are the pipeline's words: stage → origin → edge, with the feed between them, control
beside them and a pure core below (audio, rooms, media, base). docs/architecture.md has the map.
"""
