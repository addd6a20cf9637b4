// Calls every method of @segment/analytics-node: node segment_node.cjs HOST KEY single|batch. Prints what the other servers print.
const { asked } = require("./asked.cjs");
const { Analytics } = require("@segment/analytics-node");

const [host, writeKey, how] = process.argv.slice(2);
const errors = [];
const analytics = new Analytics({ host, writeKey, flushAt: how === "single" ? 1 : 20, flushInterval: 200 });
analytics.on("error", (error) => errors.push(String(error.reason ?? error.message)));
const context = { ip: "198.51.100.9", userAgent: "Mozilla/5.0 (a person's)", page: { url: "https://shop.example/prices?utm_source=news" } };
analytics.identify({ userId: "u1", traits: { email: "jo@acme.example" }, context });
analytics.track({ userId: "u1", event: "signed-up", properties: { plan: "pro" }, context });
analytics.page({ userId: "u1", name: "Prices", properties: { url: "https://shop.example/prices" }, context });
analytics.screen({ userId: "u1", name: "Dashboard", context });
analytics.group({ userId: "u1", groupId: "g1", traits: { name: "Acme" }, context });
analytics.alias({ userId: "u2", previousId: "u1", context });
analytics.closeAndFlush().then(() => console.log(JSON.stringify({ errors, asked: [...asked] })));
