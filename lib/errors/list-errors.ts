import { AppServerError } from "./base.js";

/** `page.getNextPage()` was called on the last page of a list. */
export class NoNextPageError extends AppServerError {
  override readonly code = "NO_NEXT_PAGE";
  override readonly sent = false;

  constructor() {
    super("This is the last page of the list: ask page.hasNextPage() first.");
  }
}
