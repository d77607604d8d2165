import { testArea } from "./test-area.js";

testArea("Processes and pipes");
