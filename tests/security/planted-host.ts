/**
 * An application that starts a server, and prints the code of the error that this ends with. It is
 * bundled, and run from many places.
 */
import { AppServerClient } from "../../lib/client.js";
import { isAppServerError } from "../../lib/errors/base.js";
import type { AppServerClientOptions } from "../../lib/options/options.js";

const options = JSON.parse(process.env.HOST_OPTIONS ?? "{}") as AppServerClientOptions;

AppServerClient.start(options).then(
  () => {
    console.log("started");
  },
  (error: unknown) => {
    console.log(isAppServerError(error) ? error.code : String(error));
  },
);
