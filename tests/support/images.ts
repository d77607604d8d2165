/** Images and sounds, as small as they get; all of them are whole. */

/** One red point. */
export const png = base64(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==",
);
export const jpeg = base64(
  "/9j/2wBDAP//////////////////////////////////////////////////////////////////////////////////////" +
    "2wBDAf//////////////////////////////////////////////////////////////////////////////////////wAAR" +
    "CAACAAIDASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAL/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFQEBAQAAAAAA" +
    "AAAAAAAAAAAAAQP/xAAUEQEAAAAAAAAAAAAAAAAAAAAA/9oADAMBAAIRAxEAPwCQAo//2Q==",
);
export const gif = base64("R0lGODlhAgACAIAAAExpcf8AACH5BAUAAAAALAAAAAACAAIAAAICjFMAOw==");
export const lossyWebp = base64(
  "UklGRjwAAABXRUJQVlA4IDAAAADQAQCdASoCAAIAAUAmJaACdLoB+AADsAD+8ut//NgVzXPv9//S4P0uD9Lg/9KQAAA=",
);
export const losslessWebp = base64("UklGRhwAAABXRUJQVlA4TA8AAAAvAUAAAAcQ/Y/+ByKi/wEA");

export const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
/** How a photograph of a telephone begins, and one in AVIF. */
export const heic = Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic\0\0\0\x08mdat", "latin1");
export const avif = Buffer.from("\0\0\0\x18ftypavif\0\0\0\0mif1avif\0\0\0\x08mdat", "latin1");

/** A blue point as Windows writes it. */
export const bmp = Buffer.concat([
  Buffer.from("BM"),
  Buffer.from([
    58, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 24, 0,
  ]),
  Buffer.alloc(24),
  Buffer.from([255, 0, 0, 0]),
]);

/** Silence, for a hundredth of a second. */
export const wav = wave(Buffer.alloc(80, 128));

/** The server reads them, whatever they are called. */
export const readable: readonly (readonly [name: string, bytes: Buffer, mediaType: string])[] = [
  ["PNG", png, "image/png"],
  ["JPEG", jpeg, "image/jpeg"],
  ["GIF", gif, "image/gif"],
  ["lossy WebP", lossyWebp, "image/webp"],
  ["lossless WebP", losslessWebp, "image/webp"],
  ["PNG with something behind it", Buffer.concat([png, Buffer.from("more")]), "image/png"],
  ["PNG whose closing part breaks off", png.subarray(0, -4), "image/png"],
  ["PNG with a text that was damaged", withDamagedText(png), "image/png"],
  ["JPEG whose picture breaks off", jpeg.subarray(0, -3), "image/jpeg"],
  ["GIF without its last byte", gif.subarray(0, -1), "image/gif"],
];

/** The server leaves them out, whatever they are called. */
export const unreadable: readonly (readonly [name: string, bytes: Buffer, problem: string])[] = [
  ["nothing", Buffer.alloc(0), "is empty"],
  ["text", Buffer.from("no image"), "is of a kind"],
  ["SVG", svg, "is of a kind"],
  ["HEIC", heic, "is of a kind"],
  ["AVIF", avif, "is of a kind"],
  ["BMP", bmp, "is of a kind"],
  ["half a PNG", png.subarray(0, 50), "is a PNG image that is cut off"],
  ["PNG without its closing part", png.subarray(0, -12), "is a PNG image that is cut off"],
  [
    "PNG without a picture",
    Buffer.concat([png.subarray(0, 33), png.subarray(-12)]),
    "is a PNG image",
  ],
  ["JPEG that breaks off before its picture", jpeg.subarray(0, 150), "is a JPEG image that is cut"],
  ["half a GIF", gif.subarray(0, 38), "is a GIF image that is cut off"],
  ["GIF that breaks off before its picture", gif.subarray(0, 20), "is a GIF image that is cut off"],
  ["half a lossy WebP", lossyWebp.subarray(0, 40), "is a WebP image that is cut off"],
  ["half a lossless WebP", losslessWebp.subarray(0, 30), "is a WebP image that is cut off"],
];

/** The server leaves them out, too: they are whole, and their picture was damaged. */
export const damaged: readonly (readonly [name: string, bytes: Buffer, mediaType: string])[] = [
  ["PNG with a damaged picture", changed(png, 45), "image/png"],
  ["PNG with a damaged head", changed(png, 20), "image/png"],
];

export function dataUrl(mediaType: string, bytes: Buffer): string {
  return `data:${mediaType};base64,${bytes.toString("base64")}`;
}

function base64(text: string): Buffer {
  return Buffer.from(text, "base64");
}

function changed(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 0xff;
  return copy;
}

function withDamagedText(bytes: Buffer): Buffer {
  const text = Buffer.from("\0\0\0\x03tEXta\0bSUM!", "latin1");
  return Buffer.concat([bytes.subarray(0, 33), text, bytes.subarray(33)]);
}

function wave(samples: Buffer): Buffer {
  const head = Buffer.from(
    "RIFF....WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0data....",
    "latin1",
  );
  head.writeUInt32LE(36 + samples.length, 4);
  head.writeUInt32LE(samples.length, 40);
  return Buffer.concat([head, samples]);
}
