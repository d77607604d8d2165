import { crc32 } from "node:zlib";

const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");

export function isPng(bytes: Buffer): boolean {
  return bytes.subarray(0, signature.length).equals(signature);
}

/**
 * Whether a PNG can be read to its end: its parts come to the closing one, and those that make up the
 * picture are as they were written. Damage in the others, such as texts, does no harm.
 */
export function isWholePng(bytes: Buffer): boolean {
  const seen = new Set<string>();
  for (let at = signature.length; at + 8 <= bytes.length;) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString("latin1", at + 4, at + 8);
    if (seen.size === 0 && type !== "IHDR") return false;
    // Nothing is read of it, so nothing of it need be there.
    if (type === "IEND") return seen.has("IDAT");
    const end = at + 8 + length;
    if (end + 4 > bytes.length) return false;
    if (isCritical(type) && crc32(bytes.subarray(at + 4, end)) !== bytes.readUInt32BE(end)) {
      return false;
    }
    seen.add(type);
    at = end + 4;
  }
  return false;
}

/** Capital letters begin the names of parts without which there is no picture. */
function isCritical(type: string): boolean {
  return /^[A-Z]/.test(type);
}
