// Calls every method of @rudderstack/rudder-sdk-node: node rudderstack_node.cjs HOST KEY single|batch. Prints what the other servers print.
const { asked } = require("./asked.cjs");
const RudderAnalytics = require("@rudderstack/rudder-sdk-node");

const [dataPlaneUrl, writeKey, how] = process.argv.slice(2);
const errors = [];
const flushAt = how === "single" ? 1 : 20;
const analytics = new RudderAnalytics(writeKey, { dataPlaneUrl, flushAt, flushInterval: 200, errorHandler: (error) => errors.push(String(error)) });
const context = { ip: "198.51.100.9", userAgent: "Mozilla/5.0 (a person's)", page: { url: "https://shop.example/prices?utm_source=news" } };
const sent = (call) => new Promise((done) => call(done));
Promise.all([
  sent((done) => analytics.identify({ userId: "u1", traits: { email: "jo@acme.example" }, context }, done)),
  sent((done) => analytics.track({ userId: "u1", event: "signed-up", properties: { plan: "pro" }, context }, done)),
  sent((done) => analytics.page({ userId: "u1", name: "Prices", properties: { url: "https://shop.example/prices" }, context }, done)),
  sent((done) => analytics.screen({ userId: "u1", name: "Dashboard", context }, done)),
  sent((done) => analytics.group({ userId: "u1", groupId: "g1", traits: { name: "Acme" }, context }, done)),
  sent((done) => analytics.alias({ userId: "u2", previousId: "u1", context }, done)),
]).then(() => {
  console.log(JSON.stringify({ errors, asked: [...asked] }));
  process.exit();
});
