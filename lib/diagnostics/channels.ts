import { channel } from "node:diagnostics_channel";
import type { TracedItem } from "./item-operation.js";
import type { TracedRequest } from "./request-operation.js";
import type { TracedServerRequest } from "./server-request-operation.js";
import type { TracedStart } from "./start-operation.js";
import { Tracing } from "./tracing.js";
import type { TracedTool } from "./tool-operation.js";
import type { TracedTurn } from "./turn-operation.js";

const prefix = "codex-app-server-sdk";

/** The names are documented in docs/observability.md. */
export const startTracing = new Tracing<TracedStart>(`${prefix}:start`);
export const requestTracing = new Tracing<TracedRequest>(`${prefix}:request`);
export const turnTracing = new Tracing<TracedTurn>(`${prefix}:turn`);
export const itemTracing = new Tracing<TracedItem>(`${prefix}:item`);
export const serverRequestTracing = new Tracing<TracedServerRequest>(`${prefix}:server-request`);
export const toolTracing = new Tracing<TracedTool>(`${prefix}:tool`);
export const statusChannel = channel(`${prefix}:status`);
