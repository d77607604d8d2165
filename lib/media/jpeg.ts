const marker = 0xff;
const startOfImage = 0xd8;
const endOfImage = 0xd9;
const startOfScan = 0xda;

/** Baseline, extended and progressive; there are others, which hardly anybody can read. */
const readableFrames = [0xc0, 0xc1, 0xc2];
const notFrames = [0xc4, 0xc8, 0xcc];

export function isJpeg(bytes: Buffer): boolean {
  return bytes[0] === marker && bytes[1] === startOfImage && bytes[2] === marker;
}

/**
 * Whether a JPEG can be read: it has a frame of a known kind, and comes to its picture. Where the picture
 * itself breaks off, the rest of it is grey, and that is no reason to refuse it.
 */
export function isWholeJpeg(bytes: Buffer): boolean {
  let hasFrame = false;
  let hasScan = false;
  for (let at = 2; ;) {
    const code = nextMarker(bytes, at);
    if (code === undefined) return hasScan;
    const { type, start } = code;
    if (type === endOfImage) return hasScan;
    const end = start + (start + 2 <= bytes.length ? bytes.readUInt16BE(start) : Infinity);
    if (end > bytes.length) return false;
    if (isFrame(type)) {
      if (!readableFrames.includes(type)) return false;
      hasFrame = true;
    }
    if (type === startOfScan) {
      if (!hasFrame) return false;
      hasScan = true;
    }
    at = end;
  }
}

function isFrame(type: number): boolean {
  return type >= 0xc0 && type <= 0xcf && !notFrames.includes(type);
}

/** The next marker from there on, and where what belongs to it starts; what is between is picture. */
function nextMarker(
  bytes: Buffer,
  from: number,
): { readonly type: number; readonly start: number } | undefined {
  for (let at = bytes.indexOf(marker, from); at !== -1; at = bytes.indexOf(marker, at + 1)) {
    const type = bytes[at + 1];
    if (type === undefined) return undefined;
    if (type !== marker && !standsAlone(type)) return { type, start: at + 2 };
  }
  return undefined;
}

/** A byte of the picture, or a mark within it. */
function standsAlone(type: number): boolean {
  return type <= 0x01 || (type >= 0xd0 && type <= 0xd7);
}
