import { Codex } from "codex-app-server-sdk";
import { createChat, type Chat } from "codex-app-server-sdk/http";
import { userOf } from "./users";

// Next loads this file anew after each change, and the process is to have one Codex all the same.
const held = globalThis as { chat?: Chat };

/** Made by the first request: `next build` loads this file, too, and must start nothing. */
export const chat = (): Chat => (held.chat ??= start());

function start(): Chat {
  const codex = new Codex(JSON.parse(process.env["CODEX_OPTIONS"] ?? "{}") as object);
  const chat = createChat({
    codex,
    basePath: "/api",
    owner: ({ header }) => userOf(header("cookie")),
    newThread: {
      cwd: process.env["PROJECT"] ?? process.cwd(),
      sandbox: "workspace-write",
      approvalPolicy: "on-request",
      ...(JSON.parse(process.env["THREAD_OPTIONS"] ?? "{}") as object),
    },
  });
  const stop = async () => {
    await chat.streams.close({ drainMs: 5_000 });
    await codex.close();
    process.exit();
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void stop());
  return chat;
}
