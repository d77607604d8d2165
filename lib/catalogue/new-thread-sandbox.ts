import { posix, win32 } from "node:path";
import type {
  Config,
  ConfigLayer,
  JsonValue,
  SandboxPolicy,
  SandboxWorkspaceWrite,
} from "../../generated/types.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import { JsonRpcError } from "../errors/rpc-errors.js";
import type { Session } from "../session/session.js";
import type { ParamsOf, ResultOf } from "../protocol.js";
import { namedSandbox, type AskedSettings } from "../session/sandbox/hold-to-settings.js";

/** The params of `thread/settings/update`, and the name that the sandbox was chosen by. */
export type GivenSandbox =
  | { readonly sandboxPolicy: SandboxPolicy; readonly asked: AskedSettings }
  | { readonly permissions: string; readonly asked: AskedSettings };

/** The server's configuration, as it tells it. */
interface Configured {
  readonly config: Partial<Config>;
  readonly layers: readonly ConfigLayer[];
}

type Table = Readonly<Record<string, JsonValue | undefined>>;

/**
 * The sandbox that a new thread is to get after its start, because the server would take its directory
 * for a trusted one if it started under it. Undefined where the server does not do so: without a
 * directory in the request, and where commands may only read.
 */
export async function sandboxOfNewThread(
  session: Pick<Session, "call" | "logger">,
  params: ParamsOf<"thread/start">,
): Promise<GivenSandbox | undefined> {
  const { cwd, sandbox, permissions, config } = params;
  // The server refuses both together.
  if (typeof cwd !== "string" || (sandbox && permissions)) return undefined;
  const own = config ?? {};
  const named = namedSandbox({ sandbox, permissions }, {});
  if (named && !needsConfiguration(named)) return given(named, {});
  const configured = await readConfiguration(session, cwd, named ?? namedSandbox({}, own));
  const asked = named ?? configuredSandbox(configured, own);
  return asked && given(asked, workspaceSettings(configured.config, own));
}

/**
 * Some configurations are complete only with what a thread names, and the server refuses to tell them. When
 * the request names its sandbox, that is enough.
 */
async function readConfiguration(
  session: Pick<Session, "call" | "logger">,
  cwd: string,
  named: AskedSettings | undefined,
): Promise<Configured> {
  try {
    const answer: Partial<ResultOf<"config/read">> = await session.call("config/read", {
      cwd,
      includeLayers: true,
    });
    return { config: answer.config ?? {}, layers: answer.layers ?? [] };
  } catch (error) {
    if (!named || !(error instanceof JsonRpcError)) throw error;
    if (needsConfiguration(named)) session.logger.warn(withoutDetails);
    return { config: {}, layers: [] };
  }
}

const withoutDetails =
  'The server refused to tell its configuration, so a new thread has "workspace-write" without the details ' +
  "of that configuration. Name them in the thread's config.";

/** A name is all that there is to the others. */
function needsConfiguration({ sandbox }: AskedSettings): boolean {
  return sandbox === "workspace-write";
}

function given(
  asked: AskedSettings,
  settings: Partial<SandboxWorkspaceWrite>,
): GivenSandbox | undefined {
  const { sandbox, permissions } = asked;
  if (permissions === ":read-only") return undefined;
  if (permissions !== undefined) return { permissions, asked };
  if (sandbox === "danger-full-access")
    return { sandboxPolicy: { type: "dangerFullAccess" }, asked };
  if (sandbox !== "workspace-write") return undefined;
  const sandboxPolicy = {
    type: "workspaceWrite",
    writableRoots: settings.writable_roots ?? [],
    networkAccess: settings.network_access ?? false,
    excludeTmpdirEnvVar: settings.exclude_tmpdir_env_var ?? false,
    excludeSlashTmp: settings.exclude_slash_tmp ?? false,
  } as const;
  return { sandboxPolicy, asked };
}

/**
 * The layers come in the order of their precedence; the first that names a sandbox decides. The `config`
 * of a request is merged into the layer of the server's own arguments.
 */
function configuredSandbox({ config, layers }: Configured, own: Table): AskedSettings | undefined {
  const active = layers.filter(({ disabledReason }) => !disabledReason);
  const managed = active.filter(isManaged);
  const others = active.filter((layer) => !isManaged(layer));
  const isArguments = ({ name }: ConfigLayer): boolean => name.type === "sessionFlags";
  const session = { ...tableOf(others.find(isArguments)), ...own };
  const rest = others.filter((layer) => !isArguments(layer));
  const deciding = [...managed.map(tableOf), session, ...rest.map(tableOf)]
    .map((each) => namedSandbox({}, each))
    .find((found) => found !== undefined);
  return deciding ?? namedSandbox({}, config);
}

/** The layers that an administrator has put before the arguments of the server. */
function isManaged({ name }: ConfigLayer): boolean {
  return name.type.startsWith("legacyManagedConfigToml");
}

function tableOf(layer: ConfigLayer | undefined): Table {
  return (layer?.config ?? {}) as Table;
}

const table = "sandbox_workspace_write";

/** The details of "workspace-write": those of the request's own `config` go before the server's. */
function workspaceSettings(
  config: Configured["config"],
  own: Table,
): Partial<SandboxWorkspaceWrite> {
  const dotted = Object.entries(own).flatMap(([key, value]) =>
    key.startsWith(`${table}.`) ? [[key.slice(table.length + 1), value] as const] : [],
  );
  return {
    ...config[table],
    ...(own[table] as Partial<SandboxWorkspaceWrite> | null | undefined),
    ...Object.fromEntries(dotted),
  };
}

/**
 * The sandbox with its directories as the server reads them in the `config` of `thread/start`: relative
 * ones lie in the thread's directory, `cwd`, and `~` is its user's home. `thread/settings/update` takes
 * absolute ones only.
 *
 * @throws InvalidArgumentError for one below a home directory that is not known.
 */
export function withAbsoluteRoots(
  given: GivenSandbox,
  cwd: string,
  home: string | undefined,
): GivenSandbox {
  if (!("sandboxPolicy" in given)) return given;
  const { sandboxPolicy } = given;
  if (sandboxPolicy.type !== "workspaceWrite") return given;
  const writableRoots = (sandboxPolicy.writableRoots ?? []).map((root) =>
    absolute(root, cwd, home),
  );
  return { ...given, sandboxPolicy: { ...sandboxPolicy, writableRoots } };
}

function absolute(root: string, cwd: string, home: string | undefined): string {
  const paths = posix.isAbsolute(cwd) ? posix : win32;
  if (!/^~(?=[\\/]|$)/.test(root)) return paths.resolve(cwd, root);
  if (home !== undefined) return paths.join(home, root.slice(1));
  throw new InvalidArgumentError(
    "config.sandbox_workspace_write.writable_roots",
    "must not begin with ~, since the home directory of this server's user is not known. Name the " +
      "directory in full, or start the thread with trustProject: true",
  );
}
