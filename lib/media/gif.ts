export function isGif(bytes: Buffer): boolean {
  return /^GIF8[79]a/.test(bytes.toString("latin1", 0, 6));
}

/** Whether the first picture of a GIF can be read to its last point: the model is shown no other. */
export function isWholeGif(bytes: Buffer): boolean {
  const packed = bytes[10];
  if (packed === undefined) return false;
  let at = 13 + colorTableLength(packed);
  for (;;) {
    const kind = bytes[at];
    if (kind === 0x21) {
      const end = skipBlocks(bytes, at + 2);
      if (end === undefined) return false;
      at = end;
    } else {
      return kind === 0x2c && isWholePicture(bytes, at + 1);
    }
  }
}

function isWholePicture(bytes: Buffer, at: number): boolean {
  if (at + 9 > bytes.length) return false;
  const points = bytes.readUInt16LE(at + 4) * bytes.readUInt16LE(at + 6);
  const start = at + 9 + colorTableLength(bytes.readUInt8(at + 8));
  const codeSize = bytes[start];
  if (points === 0 || codeSize === undefined || codeSize < 1 || codeSize > 11) return false;
  return countPoints(joined(bytes, start + 1), codeSize, points) === points;
}

function colorTableLength(packed: number): number {
  return packed & 0x80 ? 3 * 2 ** ((packed & 7) + 1) : 0;
}

/** The end of the blocks; undefined when the file ends before it. */
function skipBlocks(bytes: Buffer, from: number): number | undefined {
  for (let at = from; ;) {
    const length = bytes[at];
    if (length === undefined) return undefined;
    if (length === 0) return at + 1;
    at += 1 + length;
  }
}

/** The content of the blocks in one piece, as far as the file goes. */
function joined(bytes: Buffer, from: number): Buffer {
  const blocks: Buffer[] = [];
  for (let at = from; ;) {
    const length = bytes[at] ?? 0;
    if (length === 0) return Buffer.concat(blocks);
    blocks.push(bytes.subarray(at + 1, at + 1 + length));
    at += 1 + length;
  }
}

const maxCodes = 4_096;
const maxWidth = 12;

/**
 * How many points LZW data is the short form of, `wanted` at most; -1 for data that nobody has written so.
 * Each code stands for an earlier text, or for one and a point more, so only lengths are kept. It is one
 * loop over local variables because a picture may have millions of codes.
 */
function countPoints(data: Buffer, codeSize: number, wanted: number): number {
  const clear = 2 ** codeSize;
  const end = clear + 1;
  const lengths = new Uint32Array(maxCodes).fill(1, 0, clear);
  let known = end + 1;
  let width = codeSize + 1;
  let before = 0;
  let points = 0;
  let bits = 0;
  let held = 0;
  for (let at = 0; points < wanted;) {
    while (held < width && at < data.length) {
      bits |= (data[at] ?? 0) << held;
      held += 8;
      at += 1;
    }
    if (held < width) break;
    const code = bits & ((1 << width) - 1);
    bits >>>= width;
    held -= width;
    if (code === end) break;
    if (code === clear) {
      known = end + 1;
      width = codeSize + 1;
      before = 0;
      continue;
    }
    if (code > known || (code === known && before === 0)) return -1;
    const length = code === known ? before + 1 : (lengths[code] ?? 0);
    points += length;
    if (before > 0 && known < maxCodes) {
      lengths[known] = before + 1;
      known += 1;
      if (known === 1 << width && width < maxWidth) width += 1;
    }
    before = length;
  }
  return Math.min(points, wanted);
}
