import { surfaceOf } from "../../../scripts/protocol-diff/read-surface.js";
import type { ProtocolSurface } from "../../../scripts/protocol-diff/protocol-surface.js";
import { compareSurfaces } from "../../../scripts/protocol-diff/compare-surfaces.js";
import type { ProtocolChanges } from "../../../scripts/protocol-diff/protocol-changes.js";
import { filesOf, protocol } from "../generated/type-tables.js";

/** Types by name; `undefined` takes one away. */
export type Edits = Readonly<Record<string, string | undefined>>;

/** The small protocol of the generator's tests, with some types written in another way. */
export function sources(edits: Edits = {}): Record<string, string> {
  const all = Object.entries<string | undefined>({ ...protocol, ...edits });
  return Object.fromEntries(
    all.flatMap(([name, text]) => (text === undefined ? [] : [[name, text]])),
  );
}

export function surface(
  version: string,
  edits: Edits = {},
  stable: Edits = edits,
): ProtocolSurface {
  return surfaceOf({
    version,
    all: filesOf(sources(edits)),
    stable: filesOf(sources(stable)),
    schemas: { definitions: { RequestId: {} } },
  });
}

/** What is different when the small protocol changes from one way to another. */
export function compare(before: Edits, after: Edits): ProtocolChanges {
  return compareSurfaces(surface("1.0.0", before), surface("1.1.0", after));
}

/** One more arm for a union of the small protocol. */
export function withArm(union: keyof typeof protocol, method: string, params: string): string {
  const id = union.endsWith("Request") ? "id: RequestId, " : "";
  return `${protocol[union]} | { "method": "${method}", ${id}params: ${params}, }`;
}
