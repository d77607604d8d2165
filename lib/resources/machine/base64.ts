/** Bytes or text for the wire. Bytes are not copied on the way; text is taken as UTF-8. */
export function toBase64(data: string | Uint8Array): string {
  if (typeof data === "string") return Buffer.from(data, "utf8").toString("base64");
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");
}

/** Decodes a field of the wire; gives nothing when the server has sent something else. */
export function fromBase64(data: unknown): Buffer {
  return Buffer.from(typeof data === "string" ? data : "", "base64");
}
