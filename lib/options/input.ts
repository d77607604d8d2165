import { isAbsolute } from "node:path";
import type { UserInput } from "../../generated/types.js";
import { isBytes } from "../async/realms.js";
import { check, checkFields, checkText, checkTexts, string } from "../errors/check-values.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import { asBuffer, isDataUrl, toDataUrl } from "../media/data-url.js";
import { fromHere } from "../paths/server-files.js";
import type { InlineData } from "../results/inline-data.js";

/** The machine that a path is on: the server's, or else that of this process. */
export interface InputPlace {
  readonly on?: "server" | undefined;
}

/** One piece of a user's input. */
export type InputItem =
  | { readonly type: "text"; readonly text: string }
  /** A data URL, or bytes. The server refuses remote URLs. */
  | { readonly type: "image"; readonly url: string }
  | ({ readonly type: "image" } & InlineData)
  /**
   * Path of an image file; a relative one starts at the working directory of this process. The file is
   * read here, and travels with the request when the server does not share the files of this process
   * (see `sharesFiles`). With `on: "server"` it is one of the server's machine, in full.
   */
  | ({ readonly type: "localImage"; readonly path: string } & InputPlace)
  | { readonly type: "audio"; readonly url: string }
  | ({ readonly type: "audio" } & InlineData)
  /** Path of an audio file: WAV, MP3, M4A, WebM or Ogg. The same holds of it. */
  | ({ readonly type: "localAudio"; readonly path: string } & InputPlace)
  /**
   * A skill that the server knows, by the path of its `SKILL.md` on the server's machine, as
   * `codex.skills.list()` gives it.
   */
  | ({ readonly type: "skill"; readonly name: string; readonly path: string } & InputPlace)
  /** A path on the server's machine, or a link such as `"app://notes"`. */
  | ({ readonly type: "mention"; readonly name: string; readonly path: string } & InputPlace)
  /** The protocol's own shape, for what the above does not cover. */
  | UserInput;

/**
 * The input of a turn: text, one item, or several texts and items in order. It must say something: text
 * that is empty or white space is refused, unless an image or another item comes with it.
 */
export type TurnInput = string | InputItem | readonly (string | InputItem)[];

/** The input in the protocol's shapes, before local files and paths are looked at. */
export type GivenInput = UserInput & InputPlace;

/** The server's limit for all texts of one input together. */
export const maxInputCharacters = 1_048_576;

/**
 * Turns what the caller passed into the protocol's list, checking everything that needs no I/O. See
 * `prepareInput` for the rest.
 *
 * @throws InvalidArgumentError
 */
export function normalizeInput(input: TurnInput): GivenInput[] {
  const list = Array.isArray(input) ? (input as readonly (string | InputItem)[]) : [input];
  if (list.length === 0) throw new InvalidArgumentError("input", "must not be empty");
  const items = (list as readonly (string | InputItem)[]).map((item, index) =>
    toUserInput(item, Array.isArray(input) ? `input[${index}]` : "input"),
  );
  if (items.every(isBlank)) {
    throw new InvalidArgumentError("input", "must say something: it is empty, or white space");
  }
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

function toUserInput(item: string | InputItem, where: string): GivenInput {
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
      checkText(`${where}.path`, item.path);
      checkPlace(item, where);
      if (isThere(item) || isAbsolute(item.path)) return { ...item };
      return { ...item, path: fromHere(`${where}.path`, item.path) };
    case "skill":
    case "mention":
      checkTexts({ [`${where}.name`]: item.name, [`${where}.path`]: item.path });
      checkPlace(item, where);
      return { ...item };
    default:
      throw new InvalidArgumentError(
        `${where}.type`,
        "must be text, image, localImage, audio, localAudio, skill or mention",
      );
  }
}

function text(value: unknown, where: string): UserInput {
  check(where, value, { ...string, problem: "must have a string as text" });
  return { type: "text", text: value as string, text_elements: [] };
}

/** The server would run a turn for it all the same, and the model would answer to nothing. */
function isBlank(item: UserInput): boolean {
  return item.type === "text" && item.text.trim() === "";
}

type Media = Extract<InputItem, { type: "image" | "audio" }>;

function media(item: Media, where: string): UserInput {
  if ("data" in item) {
    const { data, mediaType } = item;
    check(`${where}.data`, data, { fits: isBytes, problem: "must be a Uint8Array" });
    if (typeof mediaType !== "string" || !mediaType.startsWith(`${item.type}/`)) {
      throw new InvalidArgumentError(`${where}.mediaType`, `must begin with "${item.type}/"`);
    }
    const url = toDataUrl({ mediaType, bytes: asBuffer(data) });
    return item.type === "image" ? { type: "image", url } : { type: "audio", url };
  }
  if ("fileId" in item) return item;
  checkText(`${where}.url`, item.url);
  if (!isDataUrl(item.url)) {
    throw new InvalidArgumentError(
      `${where}.url`,
      "must be a data: URL; the server does not fetch remote ones. Pass the bytes as data instead",
    );
  }
  return item;
}

/** Whether a path is one of the server's machine. */
export function isThere(item: object): boolean {
  return "on" in item && item.on === "server";
}

function checkPlace(item: object, where: string): void {
  checkFields(
    item,
    { on: { fits: () => isThere(item), problem: 'must be "server", or left out' } },
    where,
  );
}

/** Counts as the server does, in code points; exactly only when UTF-16 units exceed the limit. */
function countCharacters(texts: readonly string[]): number {
  const units = texts.reduce((sum, value) => sum + value.length, 0);
  if (units <= maxInputCharacters) return units;
  const secondHalves = /(?<=[\uD800-\uDBFF])[\uDC00-\uDFFF]/g;
  return texts.reduce((sum, value) => sum - (value.match(secondHalves)?.length ?? 0), units);
}
