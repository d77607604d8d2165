import type { AccountStatus, Codex } from "../index.js";
import type { Finding } from "./finding.js";
import type { Settings } from "./read-settings.js";

const name = "login";

interface LoginSurroundings {
  readonly settings: Settings;
  /** The environment of the server; undefined when it is another than that of this process. */
  readonly env: NodeJS.ProcessEnv | undefined;
  /** What to do to log in. */
  readonly howToLogIn: string;
}

/** Who is logged in, or whether the model provider needs no login. The model itself is not asked. */
export async function checkLogin(
  codex: Codex,
  { settings, env, howToLogIn }: LoginSurroundings,
): Promise<Finding> {
  const status = await codex.account();
  const { provider, keyVariable } = settings;
  if (status.loginRequired) {
    const says = `Nobody is logged in, and the model provider "${provider}" wants a login: every turn fails.`;
    return { name, status: "failure", says, cure: howToLogIn };
  }
  if (status.requiresOpenaiAuth) return { name, status: "ok", says: describe(status) };
  if (keyVariable !== undefined && env !== undefined && (env[keyVariable] ?? "") === "") {
    const says = `The model provider "${provider}" takes its key from ${keyVariable}, which is not set.`;
    const cure = `Set ${keyVariable}, or have the client set it with its option env.`;
    return { name, status: "failure", says, cure };
  }
  return { name, status: "ok", says: `the model provider "${provider}" needs none` };
}

/** The kind of login; who it is says nothing about what may fail. */
function describe({ account }: AccountStatus): string {
  switch (account?.type) {
    case "apiKey":
      return "by API key";
    case "chatgpt":
      return `by ChatGPT account, plan ${account.planType}`;
    default:
      return `by ${account?.type ?? "a way of its own"}`;
  }
}
