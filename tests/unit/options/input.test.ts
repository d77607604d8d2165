import { describe, expect, test } from "@jest/globals";
import path from "node:path";
import { InvalidArgumentError } from "../../../lib/errors/invalid-argument-error.js";
import { maxInputCharacters, normalizeInput, type TurnInput } from "../../../lib/options/input.js";

const text = (value: string) => ({ type: "text", text: value, text_elements: [] });
const bytes = new Uint8Array([1, 2, 3]);

test.each<[string, TurnInput, unknown[]]>([
  ["a string", "Hi", [text("Hi")]],
  ["a text item", { type: "text", text: "Hi" }, [text("Hi")]],
  ["several strings", ["Hi", "there"], [text("Hi"), text("there")]],
  [
    "strings among items",
    ["Look:", { type: "skill", name: "lint", path: "/skills/lint" }],
    [text("Look:"), { type: "skill", name: "lint", path: "/skills/lint" }],
  ],
  [
    "a data URL",
    { type: "image", url: "data:image/png;base64,AQID" },
    [{ type: "image", url: "data:image/png;base64,AQID" }],
  ],
  [
    "bytes of an image",
    { type: "image", data: bytes, mediaType: "image/png" },
    [{ type: "image", url: "data:image/png;base64,AQID" }],
  ],
  [
    "a view into a larger buffer",
    { type: "audio", data: new Uint8Array([9, 1, 2, 3, 9]).subarray(1, 4), mediaType: "audio/wav" },
    [{ type: "audio", url: "data:audio/wav;base64,AQID" }],
  ],
  [
    "a mention",
    { type: "mention", name: "file.ts", path: "/src/file.ts" },
    [{ type: "mention", name: "file.ts", path: "/src/file.ts" }],
  ],
  [
    "an absolute path",
    { type: "localImage", path: "/pictures/cat.png" },
    [{ type: "localImage", path: "/pictures/cat.png" }],
  ],
  [
    "a relative path, which starts at this process's directory",
    { type: "localAudio", path: "sounds/cat.wav" },
    [{ type: "localAudio", path: path.resolve("sounds/cat.wav") }],
  ],
  [
    "a path of the server's machine, which starts nowhere here",
    { type: "localImage", path: "cat.png", on: "server" },
    [{ type: "localImage", path: "cat.png", on: "server" }],
  ],
  [
    "the protocol's own items",
    [
      { type: "text", text: "Hi", text_elements: [] },
      { type: "image", fileId: "file-1", detail: "high" },
      { type: "localImage", path: "/cat.png", detail: "low" },
    ],
    [
      text("Hi"),
      { type: "image", fileId: "file-1", detail: "high" },
      { type: "localImage", path: "/cat.png", detail: "low" },
    ],
  ],
])("%s", (_name, input, expected) => {
  expect(normalizeInput(input)).toEqual(expected);
});

test("text elements of a text item are kept", () => {
  const elements = [{ byteRange: { start: 0, end: 2 }, placeholder: "[x]" }];
  const input = { type: "text", text: "Hi", text_elements: elements } as const;
  expect(normalizeInput(input)).toEqual([{ type: "text", text: "Hi", text_elements: elements }]);
});

test("what the caller passed is not changed, nor kept", () => {
  const item = Object.freeze({ type: "localImage", path: "cat.png" } as const);
  const [sent] = normalizeInput(Object.freeze([item]));
  expect(item.path).toBe("cat.png");
  expect(sent).not.toBe(item);
});

const types = "must be text, image, localImage, audio, localAudio, skill or mention";
const nothing = "must say something: it is empty, or white space";
const notEmpty = "must be a string that is not empty";

test.each<[string, unknown, string, string]>([
  ["an empty list", [], "input", "must not be empty"],
  ["an empty string", "", "input", nothing],
  ["white space", " \n", "input", nothing],
  ["an empty text", [{ type: "text", text: "" }], "input", nothing],
  ["undefined", undefined, "input", "must be a string or an input item with a type"],
  ["a number in a list", ["a", 7], "input[1]", "must be a string or an input item with a type"],
  ["a list in a list", [["a"]], "input[0]", "must be a string or an input item with a type"],
  ["null", null, "input", "must be a string or an input item with a type"],
  ["an item of another type", { type: "video", url: "data:," }, "input.type", types],
  ["an item without a type", [{ text: "Hi" }], "input[0].type", types],
  ["a text item without text", { type: "text" }, "input", "must have a string as text"],
  [
    "a protocol item whose text is a number",
    [{ type: "text", text: 7, text_elements: [] }],
    "input[0]",
    "must have a string as text",
  ],
  ["an image without a URL", { type: "image" }, "input.url", notEmpty],
  [
    "a remote image",
    { type: "image", url: "https://example.com/cat.png" },
    "input.url",
    "must be a data: URL; the server does not fetch remote ones. Pass the bytes as data instead",
  ],
  [
    "bytes as a string",
    { type: "image", data: "AQID", mediaType: "image/png" },
    "input.data",
    "must be a Uint8Array",
  ],
  [
    "an image whose media type is a sound's",
    [{ type: "image", data: bytes, mediaType: "audio/wav" }],
    "input[0].mediaType",
    'must begin with "image/"',
  ],
  [
    "bytes without a media type",
    { type: "audio", data: bytes },
    "input.mediaType",
    'must begin with "audio/"',
  ],
  ["a local image without a path", { type: "localImage", path: "" }, "input.path", notEmpty],
  [
    "a path of another place",
    [{ type: "localImage", path: "/x.png", on: "client" }],
    "input[0].on",
    'must be "server", or left out',
  ],
  ["a skill without a name", { type: "skill", path: "/x" }, "input.name", notEmpty],
  ["a mention without a path", { type: "mention", name: "x" }, "input.path", notEmpty],
])("%s is refused", (_name, input, argument, problem) => {
  const attempt = () => normalizeInput(input as TurnInput);
  expect(attempt).toThrow(InvalidArgumentError);
  expect(attempt).toThrow(expect.objectContaining({ argument, message: `${argument} ${problem}` }));
});

describe("the length of the text", () => {
  const longest = "x".repeat(maxInputCharacters);

  test("may be what the server takes, no more", () => {
    expect(normalizeInput(longest)).toHaveLength(1);
    expect(() => normalizeInput(`${longest}y`)).toThrow(
      `input has ${maxInputCharacters + 1} characters of text; the server takes at most 1048576`,
    );
  });

  test("is that of all texts together", () => {
    expect(() => normalizeInput([longest, "y"])).toThrow(
      `has ${maxInputCharacters + 1} characters`,
    );
    const half = longest.slice(maxInputCharacters / 2);
    expect(normalizeInput([half, { type: "text", text: half }])).toHaveLength(2);
  });

  test("is counted in code points, as the server does", () => {
    const emoji = "\u{1F600}".repeat(maxInputCharacters);
    expect(normalizeInput(emoji)).toHaveLength(1);
    expect(() => normalizeInput(`${emoji}y`)).toThrow(`has ${maxInputCharacters + 1} characters`);
    const lone = "\uD83D".repeat(maxInputCharacters);
    expect(normalizeInput(lone)).toHaveLength(1);
    expect(() => normalizeInput(`${lone}\uDE00\uDE00`)).toThrow(
      `has ${maxInputCharacters + 1} characters`,
    );
  });
});
