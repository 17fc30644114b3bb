// The programme clock's arithmetic and the renditions, as the server has them (media/grid.py and
// media/renditions.py). Decides nothing else.

export const SAMPLE_RATE = 48_000;
export const PART_SAMPLES = 15_360;
export const PARTS_PER_SEGMENT = 12;
export const PART_S = PART_SAMPLES / SAMPLE_RATE;

export const RENDITIONS = [
  { name: "opus24", label: "Data saver", kbps: 24, mime: 'audio/mp4; codecs="opus"' },
  { name: "aac48", label: "Standard", kbps: 48, mime: 'audio/mp4; codecs="mp4a.40.2"' },
  { name: "aac96", label: "High", kbps: 96, mime: 'audio/mp4; codecs="mp4a.40.2"' },
];
export const DEFAULT_RENDITION = "aac48";

/** What should be left to hear when a delivery comes, and the buffer right after it, in seconds
 *  (admission/lanes.py: a stall is a dry buffer, in the page as in the load's model). */
export const marginS = (periodS) => Math.max(0.5, periodS / 4);
export const targetS = (periodS) => periodS + marginS(periodS);

export const seconds = (samples) => samples / SAMPLE_RATE;
export const partsIn = (samples) => Math.ceil(samples / PART_SAMPLES);
export const renditionNamed = (name) => RENDITIONS.find((one) => one.name === name);

/** The next rendition of less bitrate that `canPlay`, or undefined. */
export function lowerThan(name, canPlay) {
  const { kbps } = renditionNamed(name);
  return RENDITIONS.filter((one) => one.kbps < kbps && canPlay(one.mime)).at(-1);
}
