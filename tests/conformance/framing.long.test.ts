import { testArea } from "./test-area.js";

testArea("Framing");
