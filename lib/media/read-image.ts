import { isGif, isWholeGif } from "./gif.js";
import { isJpeg, isWholeJpeg } from "./jpeg.js";
import { isPng, isWholePng } from "./png.js";
import { isWebp, isWholeWebp } from "./webp.js";

interface Kind {
  readonly name: string;
  readonly mediaType: string;
  /** Whether it begins like one. */
  readonly is: (bytes: Buffer) => boolean;
  /** Whether the server can read it. */
  readonly isWhole: (bytes: Buffer) => boolean;
}

/**
 * The images that codex 0.169.0 shows to the model. In place of others it puts a note that something was
 * left out. It knows an image by its content, whatever its name or its media type say.
 */
const kinds: readonly Kind[] = [
  { name: "PNG", mediaType: "image/png", is: isPng, isWhole: isWholePng },
  { name: "JPEG", mediaType: "image/jpeg", is: isJpeg, isWhole: isWholeJpeg },
  { name: "GIF", mediaType: "image/gif", is: isGif, isWhole: isWholeGif },
  { name: "WebP", mediaType: "image/webp", is: isWebp, isWhole: isWholeWebp },
];

/** Reads the kind of a file from its content: its media type, or why the server would leave it out. */
export type ReadMedia =
  { readonly mediaType: string; readonly problem?: undefined } | { readonly problem: string };

/** Looks at the bytes of an image; the problem goes behind the name of what holds them. */
export function readImage(bytes: Buffer): ReadMedia {
  if (bytes.length === 0) return { problem: `is empty; ${wanted}` };
  const kind = kinds.find(({ is }) => is(bytes));
  if (!kind) return { problem: `is of a kind that the server leaves out; ${wanted}` };
  if (kind.isWhole(bytes)) return { mediaType: kind.mediaType };
  return { problem: `is a ${kind.name} image that is cut off or damaged; ${wanted}` };
}

const wanted = "it must be a whole PNG, JPEG, GIF or WebP image";
