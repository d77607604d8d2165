import type { FleetStore } from "./fleet-store.js";

/** A store under test, as two machines see it. Each is an instance of its own. */
export interface FleetStoresUnderTest {
  readonly here: FleetStore;
  readonly there: FleetStore;
}

/** What one check gets: the two stores, and an id that no other check uses. */
export interface FleetCheckStage extends FleetStoresUnderTest {
  readonly id: string;
}

export type FleetChecks = Readonly<Record<string, (stage: FleetCheckStage) => Promise<void>>>;
