export { instrument, type Instrumentation, type InstrumentOptions } from "./instrument.js";
export { semanticConventionsVersion } from "./semantic-conventions.js";
