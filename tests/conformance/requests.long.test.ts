import { testArea } from "./test-area.js";

testArea("Requests");
