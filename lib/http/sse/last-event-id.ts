import type { HttpRequest } from "../requests/http-request.js";
import { BadRequestError } from "../web-errors.js";

/**
 * The number of the last event that the viewer has: 0 when it has none.
 *
 * @param last the number of the newest event. An id beyond it is of another stream: to begin anew would
 * repeat what the viewer has.
 * @throws BadRequestError
 */
export function lastEventId(request: HttpRequest, last: number): number {
  const given = request.header("last-event-id") ?? "";
  if (given === "") return 0;
  const seq = /^\d{1,15}$/.test(given) ? Number(given) : Infinity;
  if (seq > last) throw new BadRequestError("Last-Event-ID is not one of this stream.");
  return seq;
}
