import type {
  Config,
  ConfigLayer,
  JsonValue,
  SandboxPolicy,
  SandboxWorkspaceWrite,
} from "../../generated/types.js";
import type { Host } from "../host.js";
import type { ParamsOf } from "../protocol.js";
import { namedSandbox, type AskedSettings } from "./hold-to-settings.js";

/** What `thread/settings/update` gets, and the name that it was chosen by. */
export type GivenSandbox =
  | { readonly sandboxPolicy: SandboxPolicy; readonly asked: AskedSettings }
  | { readonly permissions: string; readonly asked: AskedSettings };

type Table = Readonly<Record<string, JsonValue | undefined>>;

/**
 * The sandbox that a new thread is to get after its start, because the server would take its directory
 * for a trusted one if it started under it. Undefined where the server does not do so: without a
 * directory in the request, and where commands may only read.
 */
export async function sandboxOfNewThread(
  host: Pick<Host, "call">,
  params: ParamsOf<"thread/start">,
): Promise<GivenSandbox | undefined> {
  const { cwd, sandbox, permissions, config } = params;
  // The server refuses both together.
  if (typeof cwd !== "string" || (sandbox && permissions)) return undefined;
  const named = namedSandbox(params, config ?? {});
  if (named && !needsConfiguration(named)) return given(named, {});
  const answer = await host.call("config/read", { cwd, includeLayers: true });
  const asked = named ?? configuredSandbox(answer.config, answer.layers ?? []);
  return asked && given(asked, workspaceSettings(answer.config, config ?? {}));
}

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

/** Where a sandbox is named in two ways, the layer that goes before the others decides. */
function configuredSandbox(
  config: Config,
  layers: readonly ConfigLayer[],
): AskedSettings | undefined {
  const deciding = layers
    .filter(({ disabledReason }) => !disabledReason)
    .map((layer) => namedSandbox({}, (layer.config ?? {}) as Table))
    .find((found) => found !== undefined);
  return deciding ?? namedSandbox({}, config);
}

const table = "sandbox_workspace_write";

/** The details of "workspace-write": those of the request's own `config` go before the server's. */
function workspaceSettings(config: Config, own: Table): Partial<SandboxWorkspaceWrite> {
  const dotted = Object.entries(own).flatMap(([key, value]) =>
    key.startsWith(`${table}.`) ? [[key.slice(table.length + 1), value] as const] : [],
  );
  return {
    ...config[table],
    ...(own[table] as Partial<SandboxWorkspaceWrite> | null | undefined),
    ...Object.fromEntries(dotted),
  };
}
