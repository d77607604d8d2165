/** This worker has nothing to do with the job any more: another one has it, or will. Never leaves the worker. */
export class HandedOverError extends Error {
  constructor() {
    super("Another worker has the job.");
    this.name = new.target.name;
  }
}
