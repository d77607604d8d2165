import { BadRequestError } from "../web-errors.js";

/**
 * Input that may come from a browser: text, and images as `data:` URLs (the server fetches no others). Paths of
 * the server's machine cannot be named: `localImage` and `mention` would have it read any file.
 */
export type BrowserInput = string | BrowserInputItem | readonly (string | BrowserInputItem)[];

export type BrowserInputItem =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image"; readonly url: string };

const imageUrl = /^data:image\/(png|jpeg|gif|webp);base64,[\w+/]+={0,2}$/;

/** Reads what a browser has posted, and nothing that is not known. @throws BadRequestError */
export function readInput(input: unknown): (string | BrowserInputItem)[] {
  const list: unknown[] = Array.isArray(input) ? input : [input];
  const items = list.map(readItem);
  const says = items.some((item) =>
    typeof item === "string"
      ? item.trim() !== ""
      : item.type === "image" || item.text.trim() !== "",
  );
  if (!says) throw new BadRequestError("The input is empty.");
  return items;
}

function readItem(item: unknown): string | BrowserInputItem {
  if (typeof item === "string") return wellFormed(item);
  if (typeof item === "object" && item !== null) {
    const { type, text, url, ...others } = item as Record<string, unknown>;
    const isClosed = Object.keys(others).length === 0;
    if (isClosed && type === "text" && typeof text === "string" && url === undefined) {
      return { type, text: wellFormed(text) };
    }
    if (isClosed && type === "image" && typeof url === "string" && text === undefined) {
      if (imageUrl.test(url)) return { type, url };
      throw new BadRequestError("An image must be a data: URL of a PNG, JPEG, GIF or WebP image.");
    }
  }
  throw new BadRequestError("The input must be text, or an image as a data: URL.");
}

function wellFormed(text: string): string {
  if (!text.isWellFormed()) throw new BadRequestError("The text has half of a character.");
  return text;
}
