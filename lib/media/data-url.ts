/** The content of a `data:` URL. */
export interface DataUrl {
  /** With its parameters, such as `"audio/ogg;codecs=opus"`; empty when there is none. */
  readonly mediaType: string;
  readonly bytes: Buffer;
}

export function isDataUrl(url: string): boolean {
  return /^data:/i.test(url);
}

/** Takes it apart; undefined for what is no `data:` URL. */
export function parseDataUrl(url: string): DataUrl | undefined {
  const comma = url.indexOf(",");
  if (!isDataUrl(url) || comma === -1) return undefined;
  const head = url.slice("data:".length, comma);
  const data = url.slice(comma + 1);
  const mediaType = head.replace(/;\s*base64\s*$/i, "");
  const bytes = mediaType === head ? unescaped(data) : Buffer.from(data, "base64");
  return { mediaType: mediaType.trim(), bytes };
}

/** In the one form that the server reads: it takes no line breaks, and misses no padding. */
export function toDataUrl({ mediaType, bytes }: DataUrl): string {
  return `data:${mediaType};base64,${bytes.toString("base64")}`;
}

/** A Buffer on the same memory. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A URL is ASCII, and names all other bytes by their numbers. */
function unescaped(text: string): Buffer {
  const bytes = text.replace(/%([\da-f]{2})/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return Buffer.from(bytes, "latin1");
}
