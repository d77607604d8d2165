import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import { parseDataUrl, toDataUrl } from "../media/data-url.js";
import { readImage } from "../media/read-image.js";

/** The fields in which items of the Responses API keep their parts. */
const lists = ["content", "output"] as const;

/**
 * An item of the Responses API, with its images in the one form of a `data:` URL that the server reads. What
 * is not known to be an image stays as it is.
 *
 * @throws InvalidArgumentError for an image that the model would not be shown.
 */
export function withReadableImages<Item>(item: Item, argument: string): Item {
  if (typeof item !== "object" || item === null) return item;
  const changed = lists.flatMap((list) => {
    const parts: unknown = Reflect.get(item, list);
    if (!Array.isArray(parts)) return [];
    const readable = parts.map((part: unknown, index) =>
      readablePart(part, `${argument}.${list}[${index}].image_url`),
    );
    return [[list, readable] as const];
  });
  return changed.length === 0 ? item : { ...item, ...Object.fromEntries(changed) };
}

function readablePart(part: unknown, argument: string): unknown {
  const { type, image_url: url } = (part ?? {}) as { type?: unknown; image_url?: unknown };
  if (type !== "input_image" || typeof url !== "string") return part;
  const data = parseDataUrl(url);
  // The server refuses remote ones itself.
  if (!data) return part;
  const { bytes } = data;
  const media = readImage(bytes);
  if (media.problem !== undefined) throw new InvalidArgumentError(argument, media.problem);
  return { ...(part as object), image_url: toDataUrl({ mediaType: media.mediaType, bytes }) };
}
