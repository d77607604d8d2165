import { isWholeGif } from "./gif.js";

interface Kind {
  readonly name: string;
  readonly mediaType: string;
  /** How its bytes begin. */
  readonly begins: RegExp;
  /** Whether it goes on to where a decoder has what it needs. What was damaged, only a decoder tells. */
  readonly isWhole: (bytes: Buffer) => boolean;
}

const startOfScan = Buffer.from([0xff, 0xda]);

/**
 * The images that codex 0.169.0 shows to the model. In place of others it puts a note that something was
 * left out. It knows an image by its content, whatever its name or its media type say.
 */
const kinds: readonly Kind[] = [
  {
    name: "PNG",
    mediaType: "image/png",
    begins: /^\x89PNG\r\n\x1a\n/,
    isWhole: (bytes) => bytes.includes("IDAT") && bytes.includes("IEND"),
  },
  {
    name: "JPEG",
    mediaType: "image/jpeg",
    begins: /^\xff\xd8\xff/,
    // Where the picture breaks off, the rest of it is grey, and that is no reason to refuse it.
    isWhole: (bytes) => bytes.includes(startOfScan),
  },
  { name: "GIF", mediaType: "image/gif", begins: /^GIF8[79]a/, isWhole: isWholeGif },
  {
    name: "WebP",
    mediaType: "image/webp",
    begins: /^RIFF[^]{4}WEBP/,
    // Some writers leave out the byte that makes the last part even.
    isWhole: (bytes) => bytes.length > 20 && bytes.length + 1 >= 8 + bytes.readUInt32LE(4),
  },
];

/** Reads the kind of a file from its content: its media type, or why the server would leave it out. */
export type ReadMedia =
  { readonly mediaType: string; readonly problem?: undefined } | { readonly problem: string };

/** Looks at the bytes of an image; the problem goes behind the name of what holds them. */
export function readImage(bytes: Buffer): ReadMedia {
  if (bytes.length === 0) return { problem: `is empty; ${wanted}` };
  const head = bytes.toString("latin1", 0, 12);
  const kind = kinds.find(({ begins }) => begins.test(head));
  if (!kind) return { problem: `is of a kind that the server leaves out; ${wanted}` };
  if (kind.isWhole(bytes)) return { mediaType: kind.mediaType };
  return { problem: `is a ${kind.name} image that is cut off; ${wanted}` };
}

const wanted = "it must be a whole PNG, JPEG, GIF or WebP image";
