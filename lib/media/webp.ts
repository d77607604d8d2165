export function isWebp(bytes: Buffer): boolean {
  return bytes.toString("latin1", 0, 4) === "RIFF" && bytes.toString("latin1", 8, 12) === "WEBP";
}

/** Whether a WebP has all that it says it has, a picture among it. */
export function isWholeWebp(bytes: Buffer): boolean {
  if (bytes.length < 12) return false;
  const end = 8 + bytes.readUInt32LE(4);
  let hasPicture = false;
  for (let at = 12; at + 8 <= end;) {
    if (at + 8 > bytes.length) return false;
    const type = bytes.toString("latin1", at, at + 4);
    const length = bytes.readUInt32LE(at + 4);
    const start = at + 8;
    if (start + length > bytes.length) return false;
    hasPicture ||= isPicture(type, bytes.subarray(start, start + length));
    at = start + length + (length % 2);
  }
  return hasPicture;
}

function isPicture(type: string, data: Buffer): boolean {
  switch (type) {
    case "VP8 ":
      return data.toString("latin1", 3, 6) === "\x9d\x01\x2a";
    case "VP8L":
      return data[0] === 0x2f;
    case "ANMF":
      return true;
    default:
      return false;
  }
}
