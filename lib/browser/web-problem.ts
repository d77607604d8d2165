/** What the server says of a request that it refused (RFC 9457). */
export interface WebProblem {
  readonly status: number;
  /** Stable, and meant for `switch`; `"UNKNOWN"` when the server does not say. */
  readonly code: string;
  /** A sentence for users. */
  readonly title: string;
}

/** The server has refused a request, and would do so again. */
export class WebProblemError extends Error {
  readonly problem: WebProblem;

  constructor(problem: WebProblem) {
    super(problem.title);
    this.name = "WebProblemError";
    this.problem = problem;
  }

  get status(): number {
    return this.problem.status;
  }
}

export async function problemOf(response: Response): Promise<WebProblemError> {
  const { status } = response;
  let told: Partial<WebProblem> = {};
  try {
    told = Object(await response.json()) as Partial<WebProblem>;
  } catch {
    // A proxy has answered, and not the application.
  }
  const { code = "UNKNOWN", title = `The server answered with ${status}.` } = told;
  return new WebProblemError({ status, code, title });
}
