/** Whether the blocks of a GIF's first picture come to their end: the model is shown no other. */
export function isWholeGif(bytes: Buffer): boolean {
  let at = 13 + colorTableLength(bytes[10]);
  while (bytes[at] === 0x21) at = endOfBlocks(bytes, at + 2);
  if (bytes[at] !== 0x2c) return false;
  return endOfBlocks(bytes, at + 11 + colorTableLength(bytes[at + 9])) <= bytes.length;
}

function colorTableLength(packed = 0): number {
  return packed & 0x80 ? 3 * 2 ** ((packed & 7) + 1) : 0;
}

/** Beyond the file when it breaks off before. */
function endOfBlocks(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && bytes[at] !== 0) at += 1 + bytes.readUInt8(at);
  return at + 1;
}
