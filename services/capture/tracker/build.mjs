// Builds leads.js from src/. `node build.mjs --check` writes nothing, and fails where the committed file is another one.
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const LARGEST = 6 * 1024; // of the compressed file
const file = new URL("leads.js", import.meta.url);

const made = await build({
  absWorkingDir: new URL(".", import.meta.url).pathname,
  entryPoints: ["src/leads.ts"],
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2019",
  charset: "utf8",
  banner: { js: "/* leads.js, Apache-2.0. Built from services/capture/tracker/src by `make tracker`. */" },
  write: false,
});
const text = made.outputFiles[0].text;
const size = gzipSync(text, { level: 9 }).length;
if (size >= LARGEST) throw new Error(`leads.js has ${size} bytes compressed, and ${LARGEST} are its limit.`);
if (!process.argv.includes("--check")) {
  writeFileSync(file, text);
  console.log(`leads.js: ${text.length} bytes, ${size} compressed`);
} else if (readFileSync(file, "utf8") !== text) {
  throw new Error("leads.js is not what its sources make. Run `make tracker` and commit the file.");
}
