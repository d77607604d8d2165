import type { Authorize, AuthorizedSubject } from "../turn-streams-options.js";
import { NotFoundError } from "../web-errors.js";
import type { HttpRequest } from "./http-request.js";
import { withinLimit } from "./within-limit.js";

/**
 * Lets pass what the application allows, and nothing else: only `true` does. Whoever is refused learns no more
 * than if there were nothing. That holds as well when `authorize` fails: it may do so for what exists alone.
 *
 * @throws NotFoundError
 */
export async function permit(
  {
    authorize,
    onError,
  }: { readonly authorize: Authorize; readonly onError: (error: unknown) => void },
  request: HttpRequest,
  subject: AuthorizedSubject,
): Promise<void> {
  let allowed: unknown;
  try {
    allowed = await withinLimit("authorize", authorize(request, subject));
  } catch (error) {
    onError(error);
  }
  if (allowed !== true) throw new NotFoundError();
}
