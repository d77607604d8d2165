import { OriginRefusedError } from "../web-errors.js";
import type { HttpRequest } from "./http-request.js";

/**
 * Refuses what a page of another site has sent in the name of its user. Browsers say with each POST where it
 * comes from; whoever does not say is no browser, and has no cookies that a page could use.
 *
 * @param origins those that are allowed, such as `"https://app.example"`; without them, the page must come from
 * the host that the request goes to.
 * @throws OriginRefusedError
 */
export function checkOrigin(request: HttpRequest, origins: readonly string[] | undefined): void {
  const origin = request.header("origin");
  if (origin === null) {
    // Some privacy settings take `Origin` away, but not this.
    const site = request.header("sec-fetch-site") ?? "none";
    if (site !== "cross-site" && site !== "same-site") return;
    throw new OriginRefusedError();
  }
  const isAllowed = origins ? origins.includes(origin) : isOwn(origin, request);
  if (!isAllowed) throw new OriginRefusedError();
}

/** The scheme is not compared: behind a proxy that speaks TLS, the server does not know its own. */
function isOwn(origin: string, request: HttpRequest): boolean {
  const own = request.header("host") ?? hostOf(request.url);
  return own !== undefined && hostOf(origin) === own.toLowerCase();
}

function hostOf(url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).host : undefined;
}
