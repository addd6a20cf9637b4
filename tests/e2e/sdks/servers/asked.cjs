// Notes to which hosts this process opens a connection, whatever library does it.
const net = require("node:net");

const asked = new Set();
const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...given) {
  const [to] = Array.isArray(given[0]) ? given[0] : given;
  asked.add(`${to?.host ?? to?.path ?? to}:${to?.port}`);
  return connect.apply(this, given);
};
exports.asked = asked;
