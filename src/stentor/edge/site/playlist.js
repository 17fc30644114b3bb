// Reads what the shelf's playlists say of a rendition: how many parts there are, and whether that
// is all. Everything else follows by arithmetic from the part number.

import { PARTS_PER_SEGMENT } from "./grid.js";

/** Returns { parts, segments, ended }: complete parts and complete segments since the epoch. */
export function readPlaylist(text) {
  let first = 0;
  let listed = 0;
  let trailing = 0;
  let ended = false;
  for (const line of text.split("\n")) {
    if (line.startsWith("#EXT-X-MEDIA-SEQUENCE:")) first = Number(line.slice(22));
    else if (line.startsWith("#EXT-X-PART:")) trailing++;
    else if (line.startsWith("#EXT-X-ENDLIST")) ended = true;
    else if (line.startsWith("#EXTINF:")) {
      listed++;
      trailing = 0;
    }
  }
  const segments = first + listed;
  return { parts: segments * PARTS_PER_SEGMENT + trailing, segments, ended };
}
