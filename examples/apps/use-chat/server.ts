import { createServer } from "node:http";
import { Codex } from "codex-app-server-sdk";
import { createUIMessageChat } from "codex-app-server-sdk/ai";
import { toNodeHandler } from "codex-app-server-sdk/http";
import { openSite } from "./site.js";

const { PORT = "3000", USERS = "you", PROJECT, CODEX_OPTIONS, THREAD_OPTIONS } = process.env;
const optionsIn = (json = "{}") => JSON.parse(json) as object;
const site = await openSite(USERS.split(",")); // more of them with USERS=ann,ben

const codex = new Codex(optionsIn(CODEX_OPTIONS));
const settings = { cwd: PROJECT ?? process.cwd(), approvalPolicy: "on-request" } as const;
const chat = createUIMessageChat({
  codex,
  basePath: "/api/chat",
  owner: ({ header }) => site.userOf(header("cookie")),
  newThread: { ...settings, ...optionsIn(THREAD_OPTIONS) },
});

const server = createServer(site.serve(toNodeHandler(chat)));
server.listen(Number(PORT), site.host, () => site.printAddresses(server));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void stop());
async function stop() {
  await chat.streams.close({ drainMs: 5_000 });
  server.close().closeAllConnections();
  await codex.close();
}
