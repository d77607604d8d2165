/** What an application with the library in it can do: it asks the model something, and tries a socket. */
import { AppServerClient, Codex, isAppServerError } from "codex-app-server-sdk";

/** @returns {Promise<{ answer: string, socket: string }>} the model's answer, and the socket's error */
export async function report() {
  return {
    answer: await ask().catch(explain),
    socket: await AppServerClient.connect("ws://127.0.0.1:1").then(() => "connected", explain),
  };
}

async function ask() {
  const codex = new Codex();
  try {
    const thread = await codex.startThread();
    const { finalResponse } = await thread.run("Hello");
    return finalResponse;
  } finally {
    await codex.close();
  }
}

function explain(error) {
  return isAppServerError(error)
    ? `${error.code}: ${error.message}`
    : String(error?.stack ?? error);
}
