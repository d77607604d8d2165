import type { CloseReason } from "../errors/connection-errors.js";

/** The state of a client's connection. */
export type ConnectionStatus =
  | { readonly state: "ready" }
  | {
      readonly state: "reconnecting";
      /** The attempt that is being made, or comes next: 1 for the first. */
      readonly attempt: number;
      /** The loss of the connection. */
      readonly reason: CloseReason;
      /** The error of the attempt before; undefined when there was none. */
      readonly error: unknown;
    }
  | { readonly state: "closed"; readonly reason: CloseReason };
