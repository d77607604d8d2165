import { expect, test } from "@jest/globals";
import { parseDataUrl, toDataUrl } from "../../../lib/media/data-url.js";

const bytes = Buffer.from([0, 255, 62, 63, 10]);
const strict = "data:image/png;base64,AP8+Pwo=";

test.each([
  ["in the one form that the server reads", strict, "image/png"],
  ["in capitals", "DATA:image/png;BASE64,AP8+Pwo=", "image/png"],
  ["with line breaks", "data:image/png;base64,AP8+\r\nPwo=\n", "image/png"],
  ["without its padding", "data:image/png;base64,AP8+Pwo", "image/png"],
  ["in the alphabet of URLs", "data:image/png;base64,AP8-Pwo=", "image/png"],
  ["with parameters", "data:audio/ogg;codecs=opus;base64,AP8+Pwo=", "audio/ogg;codecs=opus"],
  ["without a type", "data:;base64,AP8+Pwo=", ""],
  ["with escapes", "data:image/png,%00%FF%3e?%0A", "image/png"],
])("a data: URL %s is read", (_how, url, mediaType) => {
  expect(parseDataUrl(url)).toEqual({ mediaType, bytes });
});

test.each(["", "data:", "data:image/png;base64", "https://example.com/a,b", " data:,"])(
  "%j is none",
  (url) => {
    expect(parseDataUrl(url)).toBeUndefined();
  },
);

test("is written in that one form", () => {
  expect(toDataUrl({ mediaType: "image/png", bytes })).toBe(strict);
});
