/**
 * Why this exists: mutants may loop for ever or end the process, so each is hunted in a child that
 * is killed when it is silent for too long. Two at a time: the machine has others to serve.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const HUNT = fileURLToPath(new URL("./hunt.mjs", import.meta.url));
const AT_ONCE = 2;
const SILENT_MS = 120_000;

/** The answers to all jobs, in their order. A job that ends its child costs only its own answer. */
export async function hunted(dist, scenario, jobs) {
  const answers = [];
  while (answers.length < jobs.length) {
    answers.push(...(await oneChild(dist, scenario, jobs.slice(answers.length))));
  }
  return answers;
}

function oneChild(dist, scenario, jobs) {
  const child = spawn(process.execPath, [HUNT, dist, scenario, JSON.stringify(jobs)]);
  const answers = [];
  let errors = "";
  let hung = false;
  const silence = setTimeout(() => {
    hung = true;
    child.kill("SIGKILL");
  }, SILENT_MS);
  child.stderr.on("data", (data) => {
    errors += data;
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    // A handler under test may print as well.
    if (line.startsWith("{")) answers.push(JSON.parse(line));
    silence.refresh();
  });
  return new Promise((resolve) => {
    child.on("close", (code) => {
      clearTimeout(silence);
      if (answers.length < jobs.length) {
        const why = hung ? { hung } : { error: errors.slice(-2_000) || `ended with ${code}` };
        answers.push({ found: false, ...why });
      }
      resolve(answers);
    });
  });
}

/** `work` of every item, so many at a time, in order of the items. */
export async function inTurn(items, work, atOnce = AT_ONCE) {
  const left = [...items.entries()];
  const results = [];
  const worker = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [at, item] = next;
      results[at] = await work(item);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
