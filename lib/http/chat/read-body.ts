import { BadRequestError } from "../web-errors.js";

/**
 * The JSON object that a request brings, with no other fields than these.
 *
 * @param maxBytes how long it may be; reading stops there.
 * @param fields left out where a client of somebody else's decides what it sends.
 * @throws BadRequestError, of status 400, 413 or 415.
 */
export async function readBody<Field extends string>(
  request: Request,
  maxBytes: number,
  fields?: readonly Field[],
): Promise<Readonly<Partial<Record<Field, unknown>>>> {
  // A form of another site cannot say this without being asked first.
  if (!/^application\/json\s*(;|$)/i.test(request.headers.get("content-type") ?? "")) {
    throw new BadRequestError("The body must be JSON.", 415);
  }
  const body = parse(await readText(request, maxBytes));
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new BadRequestError("The body must be an object.");
  }
  const known: readonly string[] | undefined = fields;
  if (known && !Object.keys(body).every((name) => known.includes(name))) {
    throw new BadRequestError(`The body may have no other fields than: ${known.join(", ")}.`);
  }
  return body as Readonly<Partial<Record<Field, unknown>>>;
}

async function readText(request: Request, maxBytes: number): Promise<string> {
  const tooLong = new BadRequestError("The body is too large.", 413);
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLong;
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  const reader = (request.body as ReadableStream<Uint8Array<ArrayBuffer>> | null)?.getReader();
  for (let step = await reader?.read(); step && !step.done; step = await reader?.read()) {
    bytes += step.value.length;
    if (bytes > maxBytes) {
      await reader?.cancel();
      throw tooLong;
    }
    text += decoder.decode(step.value, { stream: true });
  }
  return text + decoder.decode();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new BadRequestError("The body is not JSON.");
  }
}
