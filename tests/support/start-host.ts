/**
 * Starts a server and says how that went: `start-host.ts <options>`. A test runs it with fewer rights than it
 * has itself.
 */
import { AppServerClient, isAppServerError, type AppServerClientOptions } from "../../lib/index.js";

export interface StartOutcome {
  /** Of the error, or `"started"`. */
  readonly code: string;
  readonly message: string;
}

const options = JSON.parse(process.argv[2] ?? "") as AppServerClientOptions;
let outcome: StartOutcome = { code: "started", message: "" };
try {
  await (await AppServerClient.start(options)).close();
} catch (error) {
  if (!isAppServerError(error)) throw error;
  outcome = { code: error.code, message: error.message };
}
console.log(JSON.stringify(outcome));
