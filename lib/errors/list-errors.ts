import { AppServerError } from "./base.js";

/** `page.getNextPage()` was called on the last page of a list. */
export class NoNextPageError extends AppServerError {
  declare readonly code: "NO_NEXT_PAGE";

  constructor() {
    super("NO_NEXT_PAGE", "This is the last page of the list: ask page.hasNextPage() first.", {
      sent: false,
    });
  }
}
