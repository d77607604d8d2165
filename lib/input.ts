import { stat } from "node:fs/promises";
import { isAbsolute, resolve } from "node:path";
import type { UserInput } from "../generated/types.js";
import { isBytes } from "./async/realms.js";
import { InvalidArgumentError } from "./errors/invalid-argument-error.js";

/** Bytes of an image or a sound, with their media type, such as `"image/png"`. */
export interface InlineData {
  readonly data: Uint8Array;
  readonly mediaType: string;
}

/** One piece of what a user says. */
export type InputItem =
  | { readonly type: "text"; readonly text: string }
  /** A data URL, or bytes. The server refuses remote URLs. */
  | { readonly type: "image"; readonly url: string }
  | ({ readonly type: "image" } & InlineData)
  /** Path of an image file; relative to the process's working directory. */
  | { readonly type: "localImage"; readonly path: string }
  | { readonly type: "audio"; readonly url: string }
  | ({ readonly type: "audio" } & InlineData)
  /** Path of an audio file; relative to the process's working directory. */
  | { readonly type: "localAudio"; readonly path: string }
  | { readonly type: "skill"; readonly name: string; readonly path: string }
  | { readonly type: "mention"; readonly name: string; readonly path: string }
  /** The protocol's own shape, for what the above does not cover. */
  | UserInput;

/** What a turn is given: text, one item, or several texts and items in order. */
export type TurnInput = string | InputItem | readonly (string | InputItem)[];

/** The server's limit for all texts of one input together. */
export const maxInputCharacters = 1_048_576;

/**
 * Turns what the caller passed into the protocol's list, checking everything that needs no I/O.
 *
 * @throws InvalidArgumentError
 */
export function normalizeInput(input: TurnInput): UserInput[] {
  const list = Array.isArray(input) ? (input as readonly (string | InputItem)[]) : [input];
  if (list.length === 0) throw new InvalidArgumentError("input", "must not be empty");
  const items = (list as readonly (string | InputItem)[]).map((item, index) =>
    toUserInput(item, Array.isArray(input) ? `input[${index}]` : "input"),
  );
  const texts = items.flatMap((item) => (item.type === "text" ? [item.text] : []));
  const characters = countCharacters(texts);
  if (characters > maxInputCharacters) {
    throw new InvalidArgumentError(
      "input",
      `has ${characters} characters of text; the server takes at most ${maxInputCharacters}`,
    );
  }
  return items;
}

/**
 * Checks that local files exist: the server would go on without them and tell only the model.
 *
 * @throws InvalidArgumentError
 */
export async function checkLocalFiles(items: readonly UserInput[]): Promise<void> {
  for (const [index, item] of items.entries()) {
    if (item.type !== "localImage" && item.type !== "localAudio") continue;
    const isFile = await stat(item.path).then(
      (stats) => stats.isFile(),
      () => false,
    );
    if (!isFile) throw new InvalidArgumentError(`input[${index}].path`, "is not a readable file");
  }
}

function toUserInput(item: string | InputItem, where: string): UserInput {
  if (typeof item === "string") return text(item, where);
  if (typeof item !== "object" || (item as unknown) === null || Array.isArray(item)) {
    throw new InvalidArgumentError(where, "must be a string or an input item with a type");
  }
  switch (item.type) {
    case "text":
      return { ...text(item.text, where), ...item };
    case "image":
    case "audio":
      return media(item, where);
    case "localImage":
    case "localAudio":
      requireString(item.path, `${where}.path`);
      return { ...item, path: isAbsolute(item.path) ? item.path : resolve(item.path) };
    case "skill":
    case "mention":
      requireString(item.name, `${where}.name`);
      requireString(item.path, `${where}.path`);
      return { ...item };
    default:
      throw new InvalidArgumentError(
        `${where}.type`,
        "must be text, image, localImage, audio, localAudio, skill or mention",
      );
  }
}

function text(value: unknown, where: string): UserInput {
  if (typeof value !== "string")
    throw new InvalidArgumentError(where, "must have a string as text");
  return { type: "text", text: value, text_elements: [] };
}

type Media = Extract<InputItem, { type: "image" | "audio" }>;

function media(item: Media, where: string): UserInput {
  if ("data" in item) {
    const { data, mediaType } = item;
    if (!isBytes(data)) {
      throw new InvalidArgumentError(`${where}.data`, "must be a Uint8Array");
    }
    if (typeof mediaType !== "string" || !mediaType.startsWith(`${item.type}/`)) {
      throw new InvalidArgumentError(`${where}.mediaType`, `must begin with "${item.type}/"`);
    }
    const base64 = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");
    const url = `data:${mediaType};base64,${base64}`;
    return item.type === "image" ? { type: "image", url } : { type: "audio", url };
  }
  if ("fileId" in item) return item;
  requireString(item.url, `${where}.url`);
  if (!item.url.startsWith("data:")) {
    throw new InvalidArgumentError(
      `${where}.url`,
      "must be a data: URL; the server does not fetch remote ones. Pass the bytes as data instead",
    );
  }
  return item;
}

function requireString(value: unknown, where: string): asserts value is string {
  if (typeof value !== "string" || value === "") {
    throw new InvalidArgumentError(where, "must be a string that is not empty");
  }
}

/** Counts as the server does, in code points; exactly only when UTF-16 units exceed the limit. */
function countCharacters(texts: readonly string[]): number {
  const units = texts.reduce((sum, value) => sum + value.length, 0);
  if (units <= maxInputCharacters) return units;
  const secondHalves = /(?<=[\uD800-\uDBFF])[\uDC00-\uDFFF]/g;
  return texts.reduce((sum, value) => sum - (value.match(secondHalves)?.length ?? 0), units);
}
