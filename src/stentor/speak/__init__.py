"""A recording becomes a speaker: decoded, encoded, sent by WHIP, and again if the line breaks."""
