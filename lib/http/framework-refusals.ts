import { BadRequestError, NotFoundError, UnauthorizedError, type WebError } from "./web-errors.js";

/**
 * What a framework, or a body parser of it, says of a request that its client must not send again as it is; undefined
 * for every other error. A status alone proves nothing: the errors of HTTP clients have one, too, and theirs is about
 * another request, which the user knows nothing of.
 */
export function refusalOfFramework(error: unknown): WebError | undefined {
  const { expose, status, statusCode, code, getResponse } = Object(error) as Record<
    string,
    unknown
  >;
  // Those of the package http-errors, which Express and Koa use.
  const isMeantForClients = expose === true && status === statusCode;
  const isOfFastify = typeof code === "string" && code.startsWith("FST_ERR_");
  const isOfHono = typeof getResponse === "function";
  if (isMeantForClients || isOfFastify) return refusalOf(statusCode);
  return isOfHono ? refusalOf(status) : undefined;
}

function refusalOf(status: unknown): WebError | undefined {
  if (typeof status !== "number" || !(status >= 400 && status < 500)) return undefined;
  switch (status) {
    case 401:
      return new UnauthorizedError();
    case 404:
      return new NotFoundError();
    case 413:
      return new BadRequestError("The body is too large.", status);
    case 415:
      return new BadRequestError("This kind of body is not taken here.", status);
    default:
      return new BadRequestError("The request is not valid.", status);
  }
}
