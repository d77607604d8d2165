import { testArea } from "./test-area.js";

testArea("Turns that do not end as they should");
