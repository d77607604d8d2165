import { TracedOperation, type Operation } from "./operation.js";

/** The start of a server process, or the way to a server that runs already, with its handshake. */
export interface StartOperation extends Operation {
  /** `"process"`: a process was started; `"connection"`: a server that ran already. */
  readonly via: "process" | "connection";
  /** The server's version, once it has introduced itself, as far as it can be told. */
  readonly serverVersion: string | undefined;
}

export class TracedStart extends TracedOperation implements StartOperation {
  readonly via: "process" | "connection";
  serverVersion: string | undefined = undefined;

  constructor(via: "process" | "connection") {
    super();
    this.via = via;
  }
}
